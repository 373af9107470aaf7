// command:remote:Command.
import type { NodeSSH } from "node-ssh";
import { withConnection } from "./connection";
import { checkCommand, commandResource, type Runner } from "./command-resource";
import { checkConnection, endpointOf, nameOf } from "./endpoint";
import { Output } from "./output";

const keys = [
  "addPreviousOutputInEnv",
  "connection",
  "create",
  "delete",
  "environment",
  "logging",
  "stdin",
  "triggers",
  "update",
];

/**
 * sshd takes only the variables that its AcceptEnv names, and drops the others without a word. Throws when one of the
 * resource's own is dropped; only names go over the wire as arguments.
 */
async function requireEnvironment(
  ssh: NodeSSH,
  wanted: readonly string[],
  env: Record<string, string>,
  where: string,
): Promise<void> {
  if (wanted.length === 0) return;
  const { stdout } = await ssh.execCommand(
    `for name in ${wanted.join(" ")}; do printenv "$name" >/dev/null && echo "$name"; done`,
    {
      execOptions: { env },
    },
  );
  const taken = stdout.split(/\s+/);
  const dropped = wanted.filter((name) => !taken.includes(name));
  if (dropped.length === 0) return;
  throw new Error(
    `sshd on ${where} does not accept ${dropped.join(", ")} (sshd_config, AcceptEnv): allow it there, or hand the value over on stdin`,
  );
}

const run: Runner = async (command, properties, env, scope) => {
  const endpoint = endpointOf(properties.connection);
  const where = nameOf(endpoint);
  return withConnection(endpoint, async (ssh) => {
    await requireEnvironment(ssh, Object.keys((properties.environment as object | undefined) ?? {}), env, where);
    const output = new Output(properties.logging, scope);
    const ending = await ssh.execCommand(command, {
      stdin: typeof properties.stdin === "string" ? properties.stdin : undefined,
      execOptions: { env },
      onStdout: (chunk) => output.stdout.take(chunk),
      onStderr: (chunk) => output.stderr.take(chunk),
    });
    output.requireSuccess(ending, command, where, scope);
    return output;
  });
};

/** A command line that the user's shell on a remote host runs. */
export const remoteCommand = commandResource(run, keys, (inputs) => [
  ...checkConnection(inputs.connection),
  ...checkCommand(inputs),
]);
