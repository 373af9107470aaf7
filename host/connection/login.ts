/** From an address to a connection that is logged in, to a host whose key is pinned. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { NodeSSH } from "node-ssh";
import { Client } from "ssh2";
import { type Connection } from "./arguments";
import type { Offer, Offers } from "./authentication";
import { ConnectionError, classify } from "./errors";
import { algorithmsFor, hostKeyMessage, isPinned } from "./host-key";

/** One attempt may take so long, from the first packet to being logged in. */
const ATTEMPT_MS = 15_000;

/** Opens a TCP connection within an attempt's time. @throws ConnectionError, sorted by reason. */
export function open(socket: Socket, address: string, port: number, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new ConnectionError("timeout", `${name} did not answer in time`)),
      ATTEMPT_MS,
    );
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 15_000);
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(classify(error, name));
    });
    socket.connect(port, address, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** A login that was refused; `tried`: how many of the offered keys the host has seen. */
export class RefusedLogin extends Error {
  constructor(
    readonly tried: number,
    readonly agentFailed: boolean,
  ) {
    super("the login was refused");
    this.name = "RefusedLogin";
  }
}

/** What sshd says when it ends a login after its MaxAuthTries. */
const TOO_MANY = /too many authentication failures/i;

/**
 * Logs in over `stream` with one of the offered keys, which it says; the client that failed is destroyed.
 *
 * @throws RefusedLogin, ConnectionError, or what ssh2 says
 */
export function handshake(
  stream: Duplex,
  connection: Connection,
  name: string,
  offers: readonly Offer[],
): Promise<{ client: Client; key: string }> {
  return new Promise((resolve, fail) => {
    let refused: ConnectionError | undefined;
    let agentFailed = false;
    let tried = 0;
    const ssh = new NodeSSH();
    // Its promise fails at any error, also at one of the agent, after which the next method is tried: the client's
    // events say what counts.
    const connecting = ssh.connect({
      sock: stream,
      username: connection.user,
      readyTimeout: ATTEMPT_MS,
      authHandler: (_left, _partial, next) => {
        const offer = offers[tried];
        if (offer === undefined) return next(false as never);
        tried += 1;
        next(offer.method);
      },
      ...(connection.hostKeys.length > 0 ? { algorithms: { serverHostKey: algorithmsFor(connection.hostKeys) } } : {}),
      hostVerifier: (key: Buffer) => {
        if (isPinned(key, connection.hostKeys)) return true;
        refused = new ConnectionError("host-key", hostKeyMessage(name, key, connection.hostKeys));
        return false;
      },
    });
    connecting.catch(() => undefined);
    const client = ssh.connection!;
    client.setMaxListeners(32); // every channel that is being opened listens for the end
    const reject = (error: Error) => {
      client.destroy();
      fail(error);
    };
    let said = "";
    // Beside the library, which has paused the stream until it listens itself: so it misses nothing.
    if (stream.isPaused()) stream.once("data", (first: Buffer) => (said = refusalIn(first)));
    client.once("ready", () => {
      leaveOtherKeysAlone(client);
      resolve({ client, key: offers[tried - 1]?.key ?? "" });
    });
    client.on("error", (error: Error & { level?: string }) => {
      // A broken agent is one method that failed: the key files come after it.
      if (error.level === "agent") agentFailed = true;
      else if (/no matching host key format/.test(error.message))
        void describeShownKey(connection, name).then(reject, reject);
      else if (error.level === "client-authentication" || TOO_MANY.test(error.message))
        reject(new RefusedLogin(tried, agentFailed));
      else
        reject(refused ?? (said === "" ? error : new ConnectionError("closed", `${name} takes no login now${said}`)));
    });
    client.once("close", () =>
      reject(refused ?? new ConnectionError("closed", `${name} closed the connection before the login${said}`)),
    );
  });
}

/**
 * OpenSSH's server names all of its host keys after a login (its PROTOCOL, 2.5), and the library has it prove each with
 * a signature, which is a tenth of a look at a host. Nobody reads them here: a pinned key has been seen. The library
 * asks OpenSSH's server alone, by the version it remembers.
 */
function leaveOtherKeysAlone(client: Client): void {
  (client as unknown as { _remoteVer?: string })._remoteVer = "";
}

/**
 * What sshd says instead of SSH's first line when it takes no connection now: MaxStartups or PerSourcePenalties
 * (sshd_config(5)).
 */
function refusalIn(first: Buffer): string {
  const line = first
    .toString("latin1")
    .split(/[\r\n]/, 1)[0]!
    .replaceAll(/[^ -~]/g, "?");
  return line === "" || line.startsWith("SSH-") ? "" : `: it says "${line.slice(0, 80)}"`;
}

/** What to say of a login that was refused for all keys that were offered. */
export function refusedLogin(
  { user }: Connection,
  name: string,
  { offers, inAgent, agentFailed }: Offers,
  tried: number,
): ConnectionError {
  const left = offers.length - tried;
  const counted =
    left > 0
      ? `${tried} keys were offered and ${left} of the agent's ${inAgent} were not, for a host locks out who offers many; `
      : "";
  return new ConnectionError(
    "authentication",
    `${name} did not accept the operator's SSH key for user ${user}; ` +
      (agentFailed ? "the agent at SSH_AUTH_SOCK did not answer; " : "") +
      counted +
      "give the right one by SSH_AUTH_SOCK or INTRANET_SSH_KEY, or add its public half to the user's authorized_keys on the host",
  );
}

/** The host has no key of a pinned type: look, without logging in, which one it does show. */
function describeShownKey(connection: Connection, name: string): Promise<ConnectionError> {
  return new Promise((resolve) => {
    const client = new Client();
    const fallback = new ConnectionError(
      "host-key",
      `${name} has no host key of a pinned type; nothing was sent to it`,
    );
    client.on("error", () => resolve(fallback));
    client.on("close", () => resolve(fallback));
    if (connection.via !== undefined) return resolve(fallback);
    client.connect({
      host: connection.address,
      port: connection.port,
      username: connection.user,
      readyTimeout: ATTEMPT_MS,
      hostVerifier: (key: Buffer) => {
        resolve(new ConnectionError("host-key", hostKeyMessage(name, key, connection.hostKeys)));
        return false;
      },
    });
  });
}
