import { agentCommand, agentInput, installPython } from "../agent";
import { type Connection, displayName } from "./arguments";
import type { HostClient } from "./client";
import { ConnectionError } from "./errors";

/** The agent sends a sign of life every 5 s; a host that misses six of them is gone. */
const SILENCE_MS = 30_000;
/** Installing Python prints as apt does, with pauses for its lock. */
const INSTALL_SILENCE_MS = 360_000;
const NOT_FOUND = 127;

/** The agent's answer, as JSON. `ok` false comes with `kind`, `message` and what the command said. */
export interface AgentAnswer {
  ok: boolean;
  [field: string]: unknown;
}

/** Sends one request to the agent on a host and returns its answer. `say` gets its progress, already without secrets. */
export async function exchange(
  client: HostClient,
  connection: Connection,
  request: object,
  say: (text: string) => void,
): Promise<AgentAnswer> {
  const first = await attempt(client, connection, request, say);
  if (first !== "no python") return first;
  say("installing python3, which the host lacks");
  const installed = await client.execute(installPython(connection.user), { silenceMs: INSTALL_SILENCE_MS });
  if (installed.code !== 0)
    throw new ConnectionError(
      "arguments",
      `${displayName(connection)} has no python3 and it could not be installed (exit code ${installed.code}): ${installed.stderr.trim().slice(-500)}`,
    );
  const second = await attempt(client, connection, request, say);
  if (second === "no python")
    throw new ConnectionError(
      "arguments",
      `${displayName(connection)} has no python3 on its PATH even after installing it`,
    );
  return second;
}

async function attempt(
  client: HostClient,
  connection: Connection,
  request: object,
  say: (text: string) => void,
): Promise<AgentAnswer | "no python"> {
  let answer: AgentAnswer | undefined;
  const ended = await client.execute(agentCommand(connection.user), {
    input: agentInput(request),
    silenceMs: SILENCE_MS,
    onLine: (line) => {
      // A login shell may print a greeting of its own: only the agent's lines count.
      if (!line.startsWith('{"event": ')) return;
      const { event, ...fields } = JSON.parse(line) as { event: string } & AgentAnswer;
      if (event === "progress") say(String(fields.text));
      if (event === "result") answer = fields as AgentAnswer;
    },
  });
  if (answer !== undefined) return answer;
  if (ended.code === NOT_FOUND) return "no python";
  const words = ended.stderr.trim().split("\n").slice(-3).join(" ");
  if (/sudo: /.test(words))
    throw new ConnectionError(
      "arguments",
      `${displayName(connection)}: user ${connection.user} needs sudo without a password (${words})`,
    );
  throw new ConnectionError(
    "closed",
    `the agent on ${displayName(connection)} ended without an answer (exit code ${ended.code ?? ended.signal}): ${words}`,
  );
}
