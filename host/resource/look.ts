/**
 * What a preview finds out, before an update does, about the hosts on which roles would be made or changed. It changes
 * nothing there.
 */
import type { BareHost } from "../connection/bare-host";
import { type Connection, connectionOf, displayName } from "../connection/arguments";
import { keysFor } from "../connection/authentication";
import { ConnectionError } from "../connection/errors";
import { type AgentAnswer, NO_PYTHON_KIND } from "../connection/exchange";
import type { Conversations } from "./converse";
import { changedFields } from "./diff";
import { type RoleInputs, holdsUnknown } from "./inputs";
import { pinsAlone, withPins } from "./pins";
import { placeKey } from "./place";
import { platformProblem } from "./platform";
import { surveyRequest, type SurveyContext } from "./request";
import { Redactor, secretValues } from "./secrets";

/** A host that takes no connection now (MaxStartups) is asked again for so long. */
const LOOK_SECONDS = 3;
/** So long is waited for hosts that are silent, all together: the engine checks one resource after the other. */
const IN_VAIN_MS = 3_000;
/** And at least so long for each: one that answers within is waited for until it is known. */
const LEAST_MS = 300;
/** Files by which apt learns of packages. */
const APT_SOURCES = /^\/etc\/apt\/sources\.list(\.d)?(\/|$)/;
/** Room in KiB that python3 and what comes with it take, generously. */
const PYTHON_KIB = 60_000;

const OFF = "INTRANET_LOOK=off previews without looking at hosts";

/** What is known of one host within one preview. */
interface Place {
  /** It has taken a connection; `answers` is told then. */
  answered: boolean;
  answers: (() => void)[];
  /** It did not within the time that was left for it. */
  silent: boolean;
  /** Cloud servers that the state has roles of: those are there. */
  machines: Set<string>;
  /** Host keys that it may show before the role that installs the pinned one. */
  first: Set<string>;
  /** The update pins other host keys than the state: which one it shows now is not said. */
  rotating: boolean;
  /** The update brings apt sources. */
  sources: boolean;
}

/** Whether hosts are looked at: `INTRANET_LOOK`, by default `on`. @throws RangeError for anything but on and off */
export function looksAtHosts(environment: NodeJS.ProcessEnv = process.env): boolean {
  const { INTRANET_LOOK: given = "" } = environment;
  if (given !== "" && given !== "on" && given !== "off")
    throw new RangeError('INTRANET_LOOK must be "on" or "off"; leave it out for "on"');
  return given !== "off";
}

/**
 * Looks at a host when the first of its roles comes that would be made or changed, over one connection for all of them.
 * A host that answers and cannot be managed is an error, with the way out; one that is silent, and all when there is no
 * key to log in with, one warning a host.
 */
export class HostLooks {
  private readonly places = new Map<string, Place>();
  private readonly told = new Set<string>();
  private inVain = 0;

  /** `log` takes what a person should know. */
  constructor(
    private readonly conversations: Conversations,
    private readonly log: (line: string) => void,
  ) {}

  /** What would stop an update of this role. `olds`: its inputs in the state, empty for a role that is new. */
  async at(olds: Partial<RoleInputs>, news: RoleInputs): Promise<string[]> {
    const place = this.placeOf(news.connection);
    if (place === undefined) return [];
    this.learn(place, olds, news);
    const made = Object.keys(olds).length === 0;
    if (!(made ? isThere(place, news) : changes(olds as RoleInputs, news)) || holdsUnknown(news.connection)) return [];
    if (!looksAtHosts() || place.rotating) return [];
    const connection = withPins(connectionOf(news.connection), [...place.first]);
    const owners = [...new Set([news.owner, olds.owner ?? news.owner])];
    const context: SurveyContext = { owners, made, sources: place.sources };
    const request = surveyRequest(news, context, olds);
    const look = this.look(connection, place, news, request).catch((error: Error) =>
      this.failed(connection, place, error),
    );
    return (await this.within(place, connection, look)) ?? [];
  }

  private async look(connection: Connection, place: Place, news: RoleInputs, request: object): Promise<string[]> {
    await keysFor(connection); // without any key there is nothing to connect for
    const redactor = new Redactor(secretValues(news));
    const host = displayName(connection);
    const say = (text: string) => this.log(redactor.apply(`${host}: ${text}`));
    const onAnswer = () => {
      place.answered = true;
      for (const tell of place.answers.splice(0)) tell();
    };
    const patience = { seconds: LOOK_SECONDS, onlyIfThere: true, onAnswer };
    const answer = await this.conversations.ask({ connection, role: news.role, patience, say }, request);
    if (!answer.ok && answer.kind === NO_PYTHON_KIND) return this.bare(host, answer.bare as BareHost);
    return findings(answer, say).map((problem) => `${host}: ${problem}. ${OFF}`);
  }

  /** A host without Python, for which the next update brings it. */
  private bare(host: string, found: BareHost): string[] {
    const problems = bareProblems(found);
    if (problems.length === 0) this.once(`${host}: python3 is not on this host; it will be installed`);
    return problems.map((problem) => `${host}: ${problem}. ${OFF}`);
  }

  /** What becomes of a look that failed: an error that stays until somebody mends it, or a warning. */
  private failed(connection: Connection, place: Place, error: Error): string[] {
    if (!(error instanceof ConnectionError)) throw error;
    if (error.failure !== "no-key" && !error.temporary) return [`${error.message}. ${OFF}`];
    place.silent = true;
    this.warn(connection, error.message);
    return [];
  }

  private warn(connection: Connection, why: string): void {
    this.once(
      `warning: ${displayName(connection)} was not looked at, so this preview does not say whether it can be managed: ${why}. ${OFF}`,
      displayName(connection),
    );
  }

  /**
   * The result of a look, or undefined when the host is silent for as long as there is time for it; what comes later is
   * told when it comes.
   */
  private async within(place: Place, connection: Connection, look: Promise<string[]>): Promise<string[] | undefined> {
    const begun = Date.now();
    const patience = place.silent ? 0 : Math.max(LEAST_MS, IN_VAIN_MS - this.inVain);
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<undefined>((resolve) => {
      if (place.answered) return;
      place.answers.push(() => clearTimeout(timer));
      timer = setTimeout(() => resolve(undefined), patience);
    });
    const found = await Promise.race([look, tooLong]);
    clearTimeout(timer);
    if (!place.silent && !place.answered) this.inVain += Date.now() - begun;
    if (found !== undefined) return found;
    if (!place.silent) this.warn(connection, `it did not answer within ${(patience / 1000).toFixed(1)} s`);
    place.silent = true;
    look.then(
      (late) => late.forEach((problem) => this.once(problem)),
      () => undefined,
    );
    return undefined;
  }

  private once(text: string, about = text): void {
    if (this.told.has(about)) return;
    this.told.add(about);
    this.log(text);
  }

  private learn(place: Place, olds: Partial<RoleInputs>, news: RoleInputs): void {
    if (olds.machine !== undefined) place.machines.add(olds.machine);
    for (const key of news.installsHostKey?.first ?? []) if (!holdsUnknown(key)) place.first.add(key);
    const [before, after] = [olds.connection?.hostKeys ?? [], news.connection.hostKeys];
    if (Array.isArray(after) && before.some((key) => !after.includes(key))) place.rotating = true;
    if (Object.keys(news.files ?? {}).some((path) => APT_SOURCES.test(path))) place.sources = true;
  }

  private placeOf(connection: Connection): Place | undefined {
    const key = placeKey(connection);
    if (key === undefined) return undefined;
    let place = this.places.get(key);
    if (place === undefined) {
      place = {
        answered: false,
        answers: [],
        silent: false,
        machines: new Set(),
        first: new Set(),
        rotating: false,
        sources: false,
      };
      this.places.set(key, place);
    }
    return place;
  }
}

/**
 * Whether the machine of a new role is known to be there: a cloud server may have been made a moment ago, and has
 * nothing of anybody's.
 */
function isThere(place: Place, { machine }: RoleInputs): boolean {
  return machine === undefined || place.machines.has(machine);
}

/** Whether an update would do something for the role on its host. */
function changes(olds: RoleInputs, news: RoleInputs): boolean {
  return olds.machine === news.machine && changedFields(olds, news).length > 0 && !pinsAlone(olds, news);
}

/** What the agent found; what is no error is said. */
function findings(answer: AgentAnswer, say: (text: string) => void): string[] {
  if (!answer.ok) return [String(answer.message)];
  const platform = platformProblem((answer.host as object | undefined) ?? {});
  const problems = [
    ...(platform === undefined ? [] : [platform]),
    ...((answer.problems as string[] | undefined) ?? []),
  ];
  for (const note of (answer.notes as string[] | undefined) ?? []) say(note);
  if (typeof answer.refused === "string") {
    // Another role of the same stack may let it go in the same update.
    if (answer.anothers === true) problems.push(answer.refused);
    else say(answer.refused);
  }
  return problems;
}

function bareProblems(found: BareHost): string[] {
  const platform = platformProblem(found);
  const problems = platform === undefined ? [] : [platform];
  if (!found.root) problems.push("the user that logs in needs sudo without a password");
  if (found.python === undefined && found.lists)
    problems.push("it has no python3, and no apt source of it has one; mend its apt sources, or install python3 there");
  for (const [path, free] of Object.entries(found.room))
    if (free < PYTHON_KIB)
      problems.push(`it has no python3, and too little room for it at ${path}: ${free} KiB are free; make room there`);
  return problems;
}
