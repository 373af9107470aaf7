import { say } from "../process";
import { randomBytes } from "node:crypto";
import { connectionOf, displayName } from "../connection/arguments";
import { ConnectionError } from "../connection/errors";
import { type AgentAnswer, NO_PYTHON_KIND } from "../connection/exchange";
import { checkRole, type CheckFailure } from "./check";
import { ClaimRegistry, claimOf } from "./claims";
import { Conversations } from "./converse";
import { diffRole } from "./diff";
import { type Facts, inputsOf, liveInputs, withoutPython } from "./drift";
import { driftWords } from "./drift-words";
import { HalfMadeError, RoleError } from "./failure";
import { PREVIEW, type RoleInputs, type RoleOutputs, clean, isUnknown } from "./inputs";
import { HostLooks } from "./look";
import { placeKey } from "./place";
import { applyRequest, readRequest, removeRequest, transactionId } from "./request";
import { hostOf, noticesOf } from "./notices";
import { changeSummary } from "./summary";
import { pinsAlone, wayBefore, withPins } from "./pins";
import { Redactor, secretValues } from "./secrets";
import type { Conversation } from "./wish";

/** A new cloud server needs up to two minutes until its SSH service answers. */
const CREATE_SECONDS = 120;
const CHANGE_SECONDS = 60;
const READ_SECONDS = 30;

/** Create, read, update and delete of a HostRole, as the engine's dynamic provider calls them. */
export class RoleProvider {
  private readonly looks: HostLooks;
  private readonly registries = new Map<string, ClaimRegistry>();
  private readonly noticed = new Set<string>();

  /**
   * `log` takes what a person should know while it happens; it goes to the provider's stderr, which the engine shows.
   */
  constructor(
    private readonly conversations = new Conversations(),
    private readonly log: (line: string) => void = say,
  ) {
    this.looks = new HostLooks(conversations, log);
  }

  /** `given`: the arguments, and in a preview {@link PREVIEW}, which is no input and is left out of what comes back. */
  async check(olds: object, given: object): Promise<{ inputs: object; failures: CheckFailure[] }> {
    const { [PREVIEW]: previewing, ...news } = given as Record<string, unknown>;
    const failures = checkRole(news);
    if (failures.length === 0) failures.push(...this.collisions(news as unknown as RoleInputs));
    if (failures.length === 0 && previewing === true)
      failures.push(...(await this.look(olds ?? {}, news as unknown as RoleInputs)));
    const redactor = new Redactor(secretValues(news as Partial<RoleInputs>));
    return {
      inputs: clean(news),
      failures: failures.map((failure) => ({ ...failure, reason: redactor.apply(failure.reason) })),
    };
  }

  async diff(_id: string, olds: object, news: object) {
    for (const notice of noticesOf(olds as RoleInputs, news as RoleInputs)) {
      if (this.noticed.has(notice)) continue;
      this.noticed.add(notice);
      this.log(notice);
    }
    const diff = diffRole(olds, news);
    const host = hostOf(news as RoleInputs);
    if (diff.changes !== false && diff.replaces.length === 0 && host !== undefined)
      for (const line of changeSummary(olds as RoleInputs, news as RoleInputs)) this.log(`${host}: ${line}`);
    return diff;
  }

  async create(inputs: RoleInputs): Promise<{ id: string; outs: object }> {
    const id = `${inputs.role}-${randomBytes(4).toString("hex")}`;
    const outs = await this.apply(inputs, id, { seconds: CREATE_SECONDS, firstBoot: true });
    return { id, outs };
  }

  async update(id: string, olds: object, news: RoleInputs): Promise<{ outs: object }> {
    const { hostId, observed } = olds as RoleOutputs;
    // Not so after a change that was left half made, which has no host id.
    if (hostId && pinsAlone(olds as RoleInputs, news))
      return { outs: clean({ ...news, hostId, observed: observed ?? {} }) };
    return { outs: await this.apply(news, id, { seconds: CHANGE_SECONDS }, olds as RoleOutputs) };
  }

  async read(id: string, state: RoleOutputs): Promise<{ id?: string; props?: object; inputs?: object }> {
    return this.guarded(state, async () => {
      const talk = this.known(state, READ_SECONDS);
      let answer: AgentAnswer;
      try {
        answer = await this.conversations.read(talk, readRequest(state, id));
      } catch (error) {
        // A cloud server's own resource says whether it still exists: a refresh must be able to find that out, also
        // with hosts behind it.
        const passed =
          error instanceof ConnectionError && error.temporary && (state.machine !== undefined || error.onTheWay);
        if (!passed) throw unreachable(error as Error, "refresh");
        this.once(talk, `its roles are not looked at and taken to be as they were: ${error.message}`);
        return { id, props: clean(state), inputs: clean(inputsOf(state)) };
      }
      if (!answer.ok && answer.kind === NO_PYTHON_KIND) {
        talk.say(
          `python3 is not on this host any more, so role ${state.role} was not looked at; the next up installs it`,
        );
        const unseen = withoutPython(state);
        return {
          id,
          props: clean({ ...unseen, hostId: state.hostId, observed: state.observed ?? {} }),
          inputs: unseen,
        };
      }
      if (!answer.ok)
        throw new RoleError(`role ${state.role} on ${displayName(talk.connection)}: ${String(answer.message)}`, true);
      const facts = answer as unknown as Facts;
      if (!facts.known || facts.id !== id) {
        talk.say(
          `role ${state.role} is not on this host any more (${facts.known ? "another resource has it now" : "no record of it"})`,
        );
        return {};
      }
      const live = liveInputs(state, facts);
      for (const words of driftWords(inputsOf(state), live)) talk.say(`role ${state.role}: ${words}`);
      return {
        id,
        props: clean({ ...live, hostId: facts.machine, observed: state.observed ?? {} }),
        inputs: clean(live),
      };
    });
  }

  async delete(id: string, state: RoleOutputs): Promise<void> {
    await this.guarded(state, async () => {
      const talk = this.known(state, CHANGE_SECONDS);
      const first = state.installsHostKey?.first;
      // The host is about to show the key again that stood there before.
      if (first) Object.assign(talk, { before: talk.connection, connection: withPins(talk.connection, first) });
      const tx = transactionId();
      const answer = await this.conversations.transact(talk, removeRequest(state, id, tx), tx).catch((error: Error) => {
        throw unreachable(error, "delete");
      });
      this.tell(talk, answer);
      if (typeof answer.leaving === "number")
        talk.say(
          `role ${state.role} is removed by the host itself, in ${answer.leaving} s or with the last one that holds the way to it`,
        );
    });
  }

  private apply(
    inputs: RoleInputs,
    id: string,
    patience: { seconds: number; firstBoot?: boolean },
    olds?: RoleOutputs,
  ): Promise<object> {
    return this.guarded(inputs, async () => {
      const talk = this.talk(inputs, patience);
      const before = wayBefore(
        talk.connection,
        inputs,
        olds === undefined ? (inputs.installsHostKey?.first ?? []) : connectionOf(olds.connection).hostKeys,
      );
      if (before) talk.before = before;
      const tx = transactionId();
      const drifted = driftedLive(olds);
      try {
        const answer = await this.conversations.transact(talk, applyRequest(inputs, id, tx, drifted.length > 0), tx);
        this.tell(talk, answer);
        const observed = (answer.observed as Record<string, string> | undefined) ?? {};
        for (const name of drifted.filter((name) => observed[name] !== olds?.observed?.[name]))
          talk.say(
            `${name}: what was found by refresh is not as before, even after reading everything again; it counts from here on`,
          );
        return clean({ ...inputs, hostId: answer.machine ?? "", observed });
      } catch (error) {
        if (!(error instanceof RoleError) || error.restored) throw error;
        // Which of the keys the host shows now is not known: the next update takes all of them.
        const connection = before ? { ...inputs.connection, hostKeys: before.hostKeys } : inputs.connection;
        throw new HalfMadeError(id, clean({ ...inputs, connection, hostId: "", observed: {} }), [error.message]);
      }
    });
  }

  /** With a host as the state knows it, which may be older than what this process has done. */
  private known(state: RoleOutputs, seconds: number): Conversation {
    const talk = this.talk(state, { seconds });
    return { ...talk, connection: this.conversations.current(talk.connection) };
  }

  private talk(inputs: RoleInputs, patience: { seconds: number; firstBoot?: boolean }): Conversation {
    const connection = connectionOf(inputs.connection);
    const redactor = new Redactor(secretValues(inputs));
    const say = (text: string) => this.log(redactor.apply(`${displayName(connection)}: ${text}`));
    return { connection, role: inputs.role, patience: { ...patience, onWait: say }, say };
  }

  /** Says once of a host what is so for each of its roles. */
  private once(talk: Conversation, text: string): void {
    const key = `${displayName(talk.connection)}: ${text}`;
    if (!this.noticed.has(key)) talk.say(text);
    this.noticed.add(key);
  }

  private tell(talk: Conversation, answer: AgentAnswer): void {
    for (const [path, copy] of Object.entries((answer.adopted as Record<string, string> | undefined) ?? {}))
      talk.say(`${path} stood there before role ${talk.role}; a copy is kept as ${copy}`);
    for (const warning of (answer.warnings as string[] | undefined) ?? []) talk.say(warning);
  }

  /** The one place through which errors leave: redacted with every secret of the request. */
  private async guarded<T>(inputs: RoleInputs, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new Redactor(secretValues(inputs)).error(error as Error);
    }
  }

  /** What a preview can say of the role's host: what it would replace there, and what would stop it. */
  private async look(olds: Partial<RoleInputs>, news: RoleInputs): Promise<CheckFailure[]> {
    try {
      return (await this.looks.at(olds, news)).map((reason) => ({ property: "connection", reason }));
    } catch (error) {
      if (error instanceof RangeError) return [{ property: "INTRANET_LOOK", reason: error.message }];
      throw new Redactor(secretValues(news)).error(error as Error);
    }
  }

  private collisions(inputs: RoleInputs): CheckFailure[] {
    const key = placeKey(inputs.connection);
    if (key === undefined || isUnknown(inputs.role) || isUnknown(inputs.owner)) return [];
    let registry = this.registries.get(key);
    if (registry === undefined) this.registries.set(key, (registry = new ClaimRegistry()));
    return registry.add(claimOf(inputs, inputs.owner)).map((reason) => ({ property: "role", reason }));
  }
}

/** Names of live state that a refresh found changed by another hand. */
function driftedLive(olds: RoleOutputs | undefined): string[] {
  return Object.entries(olds?.live ?? {}).flatMap(([name, { drifted }]) => (drifted === undefined ? [] : [name]));
}

function unreachable(error: Error, operation: "refresh" | "delete"): Error {
  if (error instanceof ConnectionError && error.failure === "host-key")
    return new ConnectionError(
      "host-key",
      `${error.message}. If an update that changed this key was interrupted, \`pulumi up\` without --refresh goes on with it`,
    );
  if (!(error instanceof ConnectionError) || !error.temporary) return error;
  const way =
    operation === "delete"
      ? "If the host is gone for good, remove the resource from the state with `pulumi state delete <urn>` (with --target-dependents " +
        "whatever depends on it too); " +
        "for a cloud server set the option deletedWith, so that it goes with it."
      : "Bring the host back, or run without --refresh.";
  return new ConnectionError(error.failure, `${error.message}. ${way}`);
}
