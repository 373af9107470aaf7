import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { utils } from "ssh2";
import type { AnyAuthMethod } from "ssh2";
import { ConnectionError } from "./errors";

/**
 * The operator's keys in the order in which they are tried: the agent at `SSH_AUTH_SOCK`, the file that `INTRANET_SSH_KEY`
 * names, the hint from the configuration.
 *
 * @throws ConnectionError: `no-key` when there is none at all, `authentication` when the named file cannot be used.
 */
export function authentication(
  username: string,
  hint: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): AnyAuthMethod[] {
  const methods: AnyAuthMethod[] = [];
  const agent = environment.SSH_AUTH_SOCK;
  if (agent) methods.push({ type: "agent", username, agent });
  const named = environment.INTRANET_SSH_KEY;
  if (named) methods.push(fromFile(username, named, "INTRANET_SSH_KEY"));
  else if (hint !== undefined) {
    // A hint that leads nowhere on this machine is no error while the agent may have the key.
    try {
      methods.push(fromFile(username, hint, "connection.identityFile"));
    } catch (error) {
      if (methods.length === 0) throw error;
    }
  }
  if (methods.length === 0)
    throw new ConnectionError(
      "no-key",
      "no SSH key to log in with: start an agent (`eval $(ssh-agent); ssh-add`), or let INTRANET_SSH_KEY name a private key file",
    );
  return methods;
}

function fromFile(username: string, path: string, source: string): AnyAuthMethod {
  const file = path.startsWith("~/") ? homedir() + path.slice(1) : path;
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch (error) {
    throw new ConnectionError(
      "authentication",
      `${source} names ${path}, which cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  const parsed = utils.parseKey(text);
  if (parsed instanceof Error || !parsed.isPrivateKey())
    throw new ConnectionError(
      "authentication",
      `${source} names ${path}, which is not a private key that can be read without a passphrase; add it to an agent (ssh-add) instead`,
    );
  return { type: "publickey", username, key: text };
}
