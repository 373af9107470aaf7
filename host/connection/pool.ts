import { isIP } from "node:net";
import { type Connection, connectionKey, displayName, loginPlace } from "./arguments";
import { Attempts } from "./attempts";
import { HostClient } from "./client";
import { ConnectionError } from "./errors";

/** Sessions at a time on one connection; sshd's own limit (MaxSessions) is 10 by default. */
const MAX_CHANNELS = 8;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** A server that boots for the first time may refuse the key until its user data was run. */
const FIRST_BOOT_SECONDS = 45;

/** How long to try for a connection. */
export interface Patience {
  /** Total, over all attempts. */
  seconds: number;
  /** Whether a host that refuses or cannot be reached is given up at once; others are tried again. */
  onlyIfThere?: boolean;
  /** Whether the host may be booting for the first time: a refused key is retried for a short while. */
  firstBoot?: boolean;
  /** Told when the host has taken a connection, before anybody has logged in, and when there is one already. */
  onAnswer?: () => void;
  /** Told once when the first attempt failed, and why. */
  onWait?: (reason: string) => void;
}

interface Place {
  client?: Promise<HostClient>;
  /** For a host that is given by name: its address of the last shared connection. */
  reachedAt?: string | undefined;
  free: number;
  waiting: (() => void)[];
}

/**
 * The connections of this process, one a host, made when first needed and made anew after a reset.
 *
 * They are not closed when idle (the process ends soon) but do not keep it alive.
 */
export class ConnectionPool {
  private readonly places = new Map<string, Place>();
  private readonly attempts = new Attempts();

  /** The shared connection. @throws ConnectionError when the patience ends, or at once where waiting is useless. */
  async get(connection: Connection, patience: Patience): Promise<HostClient> {
    const place = this.place(connection);
    const seen = place.client;
    const current = await seen?.catch(() => undefined);
    if (current?.alive) return current;
    if (place.client === seen) {
      const made = this.dial(connection, patience, true);
      place.client = made;
      made.catch(() => {
        if (place.client === made) place.client = undefined;
      });
    }
    return place.client ?? this.get(connection, patience);
  }

  /** A connection of its own, over the same path, jump hosts included: what proves that the way in is open. */
  fresh(connection: Connection, patience: Patience): Promise<HostClient> {
    return this.dial(connection, patience, false);
  }

  /** Runs `use` with the shared connection, at most 8 at a time a host. */
  async use<T>(connection: Connection, patience: Patience, use: (client: HostClient) => Promise<T>): Promise<T> {
    const place = this.place(connection);
    if (place.free === 0) await new Promise<void>((resolve) => place.waiting.push(resolve));
    else place.free -= 1;
    try {
      const client = await this.get(connection, patience);
      patience.onAnswer?.();
      return await use(client);
    } finally {
      const next = place.waiting.shift();
      if (next) next();
      else place.free += 1;
    }
  }

  /** Ends the shared connection, whose state is doubtful (packets of it may have been dropped for a while). */
  discard(connection: Connection): void {
    const place = this.place(connection);
    place.client?.then(
      (client) => client.close(),
      () => undefined,
    );
    place.client = undefined;
  }

  /** Ends every connection. For tests; a provider's process just ends. */
  async close(): Promise<void> {
    for (const place of this.places.values()) (await place.client?.catch(() => undefined))?.close();
    this.places.clear();
  }

  private place(connection: Connection): Place {
    const key = connectionKey(connection);
    let place = this.places.get(key);
    if (place === undefined) this.places.set(key, (place = { free: MAX_CHANNELS, waiting: [] }));
    return place;
  }

  private async dial(connection: Connection, patience: Patience, shared: boolean): Promise<HostClient> {
    const end = Date.now() + patience.seconds * 1000;
    const firstBootEnd = Date.now() + Math.min(patience.seconds, FIRST_BOOT_SECONDS) * 1000;
    let pause = FIRST_PAUSE_MS;
    for (let attempt = 1; ; attempt += 1) {
      const refusal = this.attempts.refusal(loginPlace(connection));
      if (refusal !== undefined) {
        if (!patience.firstBoot || Date.now() + refusal.wait > firstBootEnd) throw refusal.error;
        await new Promise((resolve) => setTimeout(resolve, refusal.wait));
      }
      try {
        return await this.attempt(connection, { ...patience, seconds: Math.max(0, (end - Date.now()) / 1000) }, shared);
      } catch (error) {
        const failure = error as ConnectionError;
        const booting = patience.firstBoot && failure.failure === "authentication" && Date.now() < firstBootEnd;
        if (!(failure instanceof ConnectionError) || (!failure.temporary && !booting)) throw failure;
        if (patience.onlyIfThere && ["refused", "unreachable"].includes(failure.failure)) throw failure;
        if (Date.now() + pause > end) throw givenUp(connection, failure, patience.seconds, attempt);
        if (attempt === 2) patience.onWait?.(`${failure.message}; trying for up to ${Math.round(patience.seconds)} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, pause * (0.75 + Math.random() / 2)));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  private async attempt(connection: Connection, patience: Patience, shared: boolean): Promise<HostClient> {
    if (connection.via === undefined) return this.direct(connection, patience, shared);
    const { onAnswer, ...onItsWay } = patience; // a host on the way is not the one that is to answer
    const way = shared ? this.get(connection.via, onItsWay) : this.fresh(connection.via, onItsWay);
    const onTheWay = (error: Error): Error =>
      error instanceof ConnectionError ? new ConnectionError(error.failure, error.message, true) : error;
    const jump = await way.catch((error: Error) => {
      throw onTheWay(error);
    });
    return HostClient.connect(connection, { jump, ownsJump: !shared, onAnswer, attempts: this.attempts }).catch(
      (error: Error) => {
        throw shared && !jump.alive ? onTheWay(error) : error; // one of its own ends with it
      },
    );
  }

  /** A name may have several addresses: a fresh connection goes to the one that the shared connection has found. */
  private async direct(connection: Connection, { onAnswer }: Patience, shared: boolean): Promise<HostClient> {
    const place = this.place(connection);
    const { attempts } = this;
    if (!shared) return HostClient.connect(connection, { at: place.reachedAt, onAnswer, attempts });
    const client = await HostClient.connect(connection, { onAnswer, attempts });
    if (isIP(connection.address) === 0) place.reachedAt = client.reachedAt;
    return client;
  }
}

function givenUp(connection: Connection, last: ConnectionError, seconds: number, attempts: number): ConnectionError {
  return new ConnectionError(
    last.failure,
    `${last.message}; given up after ${attempts} attempts in ${Math.round(seconds)} s. ` +
      `Check that ${displayName(connection)} is up, that its SSH service listens there, and that no firewall is in between`,
    last.onTheWay,
  );
}
