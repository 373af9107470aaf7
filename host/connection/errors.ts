/**
 * Why a connection failed.
 *
 * - `refused`, `unreachable`, `timeout`, `closed`: worth another attempt until the deadline;
 * - `sessions`: the connection stands, but the host opens no further session on it (sshd's MaxSessions): worth another
 *   attempt later;
 * - `host-key`: the host shows a key that is not pinned, or none is pinned: never retried;
 * - `authentication`: the host does not take the operator's key: retried only while a new host boots;
 * - `no-key`: there is no key of the operator to log in with, on this machine: never retried;
 * - `arguments`: the connection's own arguments are wrong.
 */
export type ConnectionFailure =
  | "refused"
  | "unreachable"
  | "timeout"
  | "closed"
  | "sessions"
  | "host-key"
  | "authentication"
  | "no-key"
  | "arguments";

/** A connection that could not be made or was lost. Its message names host, reason and way out, and no secret. */
export class ConnectionError extends Error {
  constructor(
    readonly failure: ConnectionFailure,
    message: string,
    /** Whether it is a host on the way that could not be reached: then nothing is known of the host itself. */
    readonly onTheWay = false,
  ) {
    super(message);
    this.name = "ConnectionError";
  }

  /** Whether another attempt may succeed without anybody changing anything. */
  get temporary(): boolean {
    return !["host-key", "authentication", "no-key", "arguments"].includes(this.failure);
  }
}

/** Sorts an error of the SSH library or of a socket. */
export function classify(error: Error & { level?: string; code?: string | number }, host: string): ConnectionError {
  if (error instanceof ConnectionError) return error;
  const text = error.message;
  if (error.level === "client-authentication")
    return new ConnectionError("authentication", `${host} did not accept the operator's SSH key`);
  if (error.code === "ECONNREFUSED") return new ConnectionError("refused", `${host} refused the connection`);
  if (error.level === "client-timeout" || error.code === "ETIMEDOUT" || /timed out/i.test(text))
    return new ConnectionError("timeout", `${host} did not answer in time`);
  if (["ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"].includes(String(error.code)))
    return new ConnectionError("unreachable", `${host} is unreachable (${error.code})`);
  return new ConnectionError("closed", `${host} closed the connection (${text})`);
}
