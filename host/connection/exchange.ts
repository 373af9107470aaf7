import { agentCommand, agentInput, installPython, WANTED } from "../agent";
import { type BareHost, BARE_LOOK, bareHostOf } from "./bare-host";
import { type Connection, displayName } from "./arguments";
import type { Ended, HostClient } from "./client";
import { ConnectionError } from "./errors";

/** The agent sends a sign of life every 5 s; a host that misses six of them is gone. */
const SILENCE_MS = 30_000;
/** Installing Python prints as apt does, with pauses for its lock. */
const INSTALL_SILENCE_MS = 360_000;
const NOT_FOUND = 127;
/** Exit codes from here on are a shell's way to say that a signal ended its command. */
const SIGNALLED = 129;
/** What sudo and csh say, whose exit code is no help. */
const NO_PYTHON = /sudo: python3: command not found|^python3: Command not found/m;
/** Signatures and certificates bear some difference of clocks; more is worth a word. */
const CLOCK_SECONDS = 60;
/** Every line of the agent begins so. */
const EVENT = '{"event": ';

/** The agent's answer, as JSON. `ok` false comes with `kind`, `message` and what the command said. */
export interface AgentAnswer {
  ok: boolean;
  [field: string]: unknown;
}

/**
 * Who listens while the agent works. Where several roles go together, `of` is the place of the one that it is about.
 */
export interface Listener {
  /** Gets the agent's progress, already without secrets. */
  say: (text: string, of?: number) => void;
  /** Gets the answer for one role of several as soon as it is known. */
  answered?: (answer: AgentAnswer, of: number) => void;
}

/** Whether a host keeps this agent, as far as this process knows. */
const keeps = new WeakMap<HostClient, boolean>();
/**
 * Requests about roles that a host has, as a survey of one that is not `made`: it has been changed before, and keeps
 * the agent since.
 */
const LOOKS = new Set(["read", "outcome", "confirm"]);

/**
 * Requests that change a host: for those alone the Python that it lacks is installed. A preview and a refresh change
 * nothing.
 */
const CHANGES = new Set(["apply", "applyEach", "remove"]);
/**
 * The kind of answer of a host without Python to a request that only looks; `bare` is what was found there without it.
 */
export const NO_PYTHON_KIND = "python";
/** What was found on hosts without Python: in a process that only looks, none comes in between. */
const bare = new WeakMap<HostClient, BareHost>();

/**
 * Sends one request to the agent on a host and returns its answer. Where there is no Python it is installed for a
 * change, and for no other request: then the answer's kind is {@link NO_PYTHON_KIND}.
 */
export async function exchange(
  client: HostClient,
  connection: Connection,
  request: object,
  listener: Listener,
): Promise<AgentAnswer> {
  const { say } = listener;
  const { action = "", made } = request as { action?: string; made?: boolean };
  const looks = LOOKS.has(action) || made === false;
  if (!CHANGES.has(action) && bare.has(client)) return withoutPython(bare.get(client)!);
  if (keeps.get(client) ?? looks) {
    const answer = await attempt(client, connection, request, listener, true);
    const kept = answer !== "no python" && answer.kind !== WANTED;
    keeps.set(client, kept);
    if (kept) return answer;
  }
  if (!looks) keeps.delete(client); // from its first change on it does
  const first = await attempt(client, connection, request, listener);
  if (first !== "no python") return first;
  if (!CHANGES.has(action)) {
    const found = await lookWithoutPython(client);
    bare.set(client, found);
    return withoutPython(found);
  }
  bare.delete(client);
  say("installing python3, which the host lacks");
  const installed = await client.execute(installPython(connection.user), { silenceMs: INSTALL_SILENCE_MS });
  if (installed.code !== 0)
    throw new ConnectionError(
      "arguments",
      `${displayName(connection)} has no python3 and it could not be installed (exit code ${installed.code}): ${installed.stderr.trim().slice(-500)}`,
    );
  const second = await attempt(client, connection, request, listener);
  if (second === "no python")
    throw new ConnectionError(
      "arguments",
      `${displayName(connection)} has no python3 on its PATH even after installing it`,
    );
  return second;
}

function withoutPython(found: BareHost): AgentAnswer {
  return { ok: false, kind: NO_PYTHON_KIND, message: "python3 is not on this host", bare: found };
}

/** Looks at a host without Python by one constant command. Changes nothing. */
async function lookWithoutPython(client: HostClient): Promise<BareHost> {
  const lines: string[] = [];
  const { command, input } = BARE_LOOK;
  await client.execute(command, { input, silenceMs: SILENCE_MS, onLine: (line) => lines.push(line) });
  return bareHostOf(lines);
}

async function attempt(
  client: HostClient,
  connection: Connection,
  request: object,
  { say, answered }: Listener,
  kept = false,
): Promise<AgentAnswer | "no python"> {
  let answer: AgentAnswer | undefined;
  let begun = false;
  let greeting: string[] = [];
  const ended = await client.execute(agentCommand(connection.user), {
    input: agentInput(request, kept),
    silenceMs: SILENCE_MS,
    onLine: (line) => {
      // A login shell may print a greeting of its own, even one without an end of line: only what the agent says
      // counts.
      const said = eventIn(line);
      if (said === undefined) return void (greeting = [...greeting.slice(-1), line]);
      begun = true;
      const { event, of, ...fields } = said;
      if (event === "progress") say(String(fields.text), of);
      if (event === "answer" && of !== undefined) answered?.(fields as AgentAnswer, of);
      if (event === "result") answer = fields as AgentAnswer;
    },
  });
  if (answer !== undefined) {
    const { clock, ...rest } = answer;
    compareClocks(displayName(connection), Number(clock), say);
    return rest as AgentAnswer;
  }
  const words = [...greeting, ...ended.stderr.trim().split("\n").slice(-3)].filter(Boolean).join(" ");
  if (NO_PYTHON.test(words) || (ended.code === NOT_FOUND && !/sudo/.test(words))) return "no python";
  throw noAnswer(connection, ended, begun, words);
}

/**
 * What the agent says in a line, whatever stands before it. Within its own texts quotes are escaped, so its beginning
 * stands once.
 */
function eventIn(line: string): ({ event: string; of?: number } & AgentAnswer) | undefined {
  const begin = line.lastIndexOf(EVENT);
  if (begin < 0) return undefined;
  try {
    return JSON.parse(line.slice(begin)) as { event: string; of?: number } & AgentAnswer;
  } catch {
    return undefined;
  }
}

const warned = new Set<string>();

/** Says once that the host's clock is wrong, or ours. */
function compareClocks(host: string, clock: number, say: (text: string) => void): void {
  const ahead = Math.round(clock - Date.now() / 1000);
  if (!(Math.abs(ahead) > CLOCK_SECONDS) || warned.has(host)) return;
  warned.add(host);
  say(
    `the host's clock is ${Math.abs(ahead)} s ${ahead > 0 ? "ahead of" : "behind"} this machine's: packages and certificates may be ` +
      "refused as expired or not valid yet; set the right time there (see `timedatectl`)",
  );
}

/**
 * Why there is no answer. An agent that had begun, or that a signal ended as at a shutdown, may have changed something:
 * that has to be looked up. What ended by itself without a word of the agent's was not the agent, and never will be.
 */
function noAnswer(connection: Connection, { code, signal }: Ended, begun: boolean, words: string): ConnectionError {
  const [host, { user }] = [displayName(connection), connection];
  const said = words === "" ? "" : `: ${words}`;
  if (begun || code === undefined || code >= SIGNALLED)
    return new ConnectionError(
      "closed",
      `the agent on ${host} ended without an answer (exit code ${code ?? signal})${said}`,
    );
  if (/sudo/.test(words))
    return new ConnectionError("arguments", `${host}: user ${user} needs sudo without a password (${words})`);
  return new ConnectionError(
    "arguments",
    `${host} did not run the agent (exit code ${code})${said}. Check that user ${user} has a login shell that runs commands, ` +
      "that its start-up files neither end it nor read its input, and that python3 works there",
  );
}
