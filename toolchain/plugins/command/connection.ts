// One SSH connection to an endpoint: verified host key, retries that wait, errors that say which of the steps failed.
import { setTimeout as sleep } from "node:timers/promises";
import { type Config, NodeSSH } from "node-ssh";
import { type Endpoint, nameOf } from "./endpoint";
import { algorithmsFor, fingerprint, isPinned } from "./host-key";

/**
 * Seconds between the first two tries, how they grow, and the longest: ten tries take half a minute, sixty about seven
 * minutes.
 */
const firstPause = 0.5;
const growth = 1.5;
const longestPause = 8;

/** A host that boots may not have its keys yet; more refusals than this mean that the key is wrong. */
const authenticationTries = 3;

const stop = new AbortController();
const open = new Set<NodeSSH>();

/** Ends every try and every open connection: the engine wants to stop. */
export async function cancelConnections(): Promise<void> {
  stop.abort(new Error("cancelled"));
  open.forEach((ssh) => ssh.dispose());
}

/** Whether a try is worth repeating. */
class Refused extends Error {
  constructor(
    message: string,
    readonly again: "never" | "few" | "many",
  ) {
    super(message);
  }
}

/**
 * Connects, runs `use` and closes, whatever happens. Retries up to the endpoint's dialErrorLimit with growing pauses; a
 * wrong host key is never retried, a refused login only a few times.
 */
export async function withConnection<T>(endpoint: Endpoint, use: (ssh: NodeSSH) => Promise<T>): Promise<T> {
  if (endpoint.proxy) {
    return withConnection(endpoint.proxy, (proxy) => withRetries(endpoint, () => dial(endpoint, proxy), use));
  }
  return withRetries(endpoint, () => dial(endpoint), use);
}

async function withRetries<T>(
  endpoint: Endpoint,
  connect: () => Promise<NodeSSH>,
  use: (ssh: NodeSSH) => Promise<T>,
): Promise<T> {
  const ssh = await connectPatiently(endpoint, connect);
  open.add(ssh);
  let lost: Error | undefined;
  ssh.connection?.on("error", (error: Error) => (lost = error));
  try {
    return await use(ssh);
  } catch (error) {
    throw lost ? new Error(`the connection to ${nameOf(endpoint)} was lost: ${lost.message}`, { cause: error }) : error;
  } finally {
    open.delete(ssh);
    ssh.dispose();
  }
}

async function connectPatiently(endpoint: Endpoint, connect: () => Promise<NodeSSH>): Promise<NodeSSH> {
  const started = Date.now();
  let logins = 0;
  for (let tries = 1; ; tries++) {
    stop.signal.throwIfAborted();
    try {
      return await connect();
    } catch (error) {
      const refused = error instanceof Refused ? error : new Refused((error as Error).message, "many");
      if (refused.again === "few") logins++;
      const over =
        refused.again === "never" ||
        logins >= authenticationTries ||
        (endpoint.dialErrorLimit >= 0 && tries >= endpoint.dialErrorLimit);
      if (over) {
        const effort = tries > 1 ? ` (${tries} tries in ${Math.round((Date.now() - started) / 1000)} s)` : "";
        throw new Error(`${refused.message}${effort}`, { cause: error });
      }
    }
    await sleep(Math.min(firstPause * growth ** (tries - 1), longestPause) * 1000, undefined, { signal: stop.signal });
  }
}

async function dial(endpoint: Endpoint, proxy?: NodeSSH): Promise<NodeSSH> {
  const ssh = new NodeSSH();
  let shown: Buffer | undefined;
  const config: Config = {
    host: endpoint.host,
    port: endpoint.port,
    username: endpoint.user,
    password: endpoint.password,
    privateKey: endpoint.privateKey,
    passphrase: endpoint.privateKeyPassword,
    agent: endpoint.agentSocketPath,
    readyTimeout: endpoint.perDialTimeout * 1000,
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
    algorithms: { serverHostKey: [...algorithmsFor(endpoint.hostKey)] as never },
    hostVerifier: (key: Buffer) => {
      shown = key;
      return isPinned(endpoint.hostKey, key);
    },
  };
  try {
    if (proxy) config.sock = await proxy.forwardOut("127.0.0.1", 0, endpoint.host, endpoint.port);
    return await ssh.connect(config);
  } catch (error) {
    ssh.dispose();
    throw explain(endpoint, error as Error & { code?: string; level?: string }, shown);
  }
}

/** Tells apart what ssh2 reports: host key, login, name, network. No key, password or passphrase gets into the text. */
function explain(
  endpoint: Endpoint,
  error: Error & { code?: string; level?: string },
  shown: Buffer | undefined,
): Refused {
  const name = nameOf(endpoint);
  if (shown && !isPinned(endpoint.hostKey, shown)) {
    return new Refused(
      `${name} shows the host key ${fingerprint(shown)}, but ${fingerprint(endpoint.hostKey.blob)} is pinned (connection.hostKey): it is another host, or its key was changed. Nothing was sent to it`,
      "never",
    );
  }
  if (/no matching host key format/i.test(error.message)) {
    return new Refused(
      `${name} has no host key of the pinned type ${endpoint.hostKey.type} (${fingerprint(endpoint.hostKey.blob)}, connection.hostKey)`,
      "never",
    );
  }
  if (/parse.*key|passphrase|privateKey/i.test(error.message)) {
    return new Refused(
      "connection.privateKey cannot be read: give the text of an OpenSSH private key, and connection.privateKeyPassword if it is encrypted",
      "never",
    );
  }
  if (error.level === "client-authentication") {
    const means = [
      endpoint.privateKey && "the private key",
      endpoint.agentSocketPath && `the agent at ${endpoint.agentSocketPath}`,
      endpoint.password && "the password",
    ].filter(Boolean);
    const tried =
      means.length > 0
        ? `with ${means.join(" and ")}`
        : "and there is neither a key, nor a password, nor an agent (SSH_AUTH_SOCK)";
    return new Refused(`${name} refused the login ${tried}: is that key in the user's authorized_keys?`, "few");
  }
  if (error.level === "agent")
    return new Refused(
      `the SSH agent at ${endpoint.agentSocketPath ?? "no path"} does not answer: ${error.message}`,
      "few",
    );
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN")
    return new Refused(`the name ${endpoint.host} has no address (${error.code})`, "many");
  return new Refused(
    `${name} cannot be reached: ${error.message}. Is it up, does sshd listen there, does a firewall let this machine in?`,
    "many",
  );
}
