import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { type Connection, displayName, loginPlace } from "./arguments";
import { Attempts, batch } from "./attempts";
import { keysFor, type Offer } from "./authentication";
import { ConnectionError, classify } from "./errors";
import { handshake, open, RefusedLogin, refusedLogin } from "./login";

/** Opening a channel on a live connection takes a round trip; a dead one is noticed after this. */
const CHANNEL_MS = 10_000;
/** A host that opens no further session on the connection (its MaxSessions) is asked again for so long. */
const SESSION_MS = 60_000;
const SESSION_PAUSE_MS = 100;

type ChannelCallback = (error: Error | undefined, channel: ClientChannel) => void;

/** How a command ended. `code` is undefined when it was killed by `signal`. */
export interface Ended {
  code: number | undefined;
  signal: string | undefined;
  /** The end of its standard error, at most 16 KiB. */
  stderr: string;
}

/** What a command reads and how it is listened to. */
export interface Execution {
  input?: Buffer;
  onLine?: (line: string) => void;
  /** The host counts as gone when it says nothing for so long. */
  silenceMs: number;
}

/** The way of one attempt at a connection. */
export interface Way {
  /** The jump host, if there is one; it ends with the connection when `ownsJump`. */
  jump?: HostClient;
  ownsJump?: boolean;
  /** The one of the host's addresses to take, where it is given by name. */
  at?: string | undefined;
  /** Told when the host has taken the connection, before the login. */
  onAnswer?: (() => void) | undefined;
  /** What is known of keys and hosts already. */
  attempts?: Attempts;
}

/** A connection that is logged in, to a host whose key is pinned. */
export class HostClient {
  private active = 0;
  private lost: ConnectionError | undefined;

  private constructor(
    private readonly client: Client,
    private readonly socket: Socket | undefined,
    private readonly jump: HostClient | undefined,
    private readonly ownsJump: boolean,
    readonly name: string,
  ) {
    client.on("error", (error) => (this.lost ??= classify(error, name)));
    client.on("close", () => (this.lost ??= new ConnectionError("closed", `${name} closed the connection`)));
    this.rest();
  }

  /**
   * One attempt at a login: with many keys it may take more than one connection. @throws ConnectionError, sorted by
   * reason.
   */
  static async connect(connection: Connection, way: Way = {}): Promise<HostClient> {
    const { jump, ownsJump = false, attempts = new Attempts() } = way;
    const [name, place] = [displayName(connection), loginPlace(connection)];
    try {
      const found = await keysFor(connection, { here: attempts.keyOf(place), elsewhere: attempts.worked });
      let [left, agentFailed] = [found.offers, found.agentFailed];
      for (let connections = attempts.connections(place); ; connections -= 1) {
        const offers = batch(left);
        try {
          const { client, socket, key } = await HostClient.logIn(connection, name, way, offers);
          attempts.accepted(place, key);
          return new HostClient(client, socket, jump, ownsJump, name);
        } catch (error) {
          if (!(error instanceof RefusedLogin)) throw error;
          left = left.slice(Math.max(1, error.tried));
          agentFailed ||= error.agentFailed;
          if (left.length > 0 && connections > 1) continue;
          const failure = refusedLogin(connection, name, { ...found, agentFailed }, found.offers.length - left.length);
          attempts.refused(place, failure);
          throw failure;
        }
      }
    } catch (error) {
      if (ownsJump) jump?.close();
      throw classify(error as Error, name);
    }
  }

  /** One connection and what comes of it. */
  private static async logIn(
    connection: Connection,
    name: string,
    { jump, at, onAnswer }: Way,
    offers: readonly Offer[],
  ): Promise<{ client: Client; key: string; socket: Socket | undefined }> {
    const socket = jump === undefined ? new Socket() : undefined;
    let stream: Duplex | undefined = socket;
    try {
      if (socket !== undefined) await open(socket, at ?? connection.address, connection.port, name);
      stream ??= await jump!.forward(connection, name);
      onAnswer?.();
      return { ...(await handshake(stream, connection, name, offers)), socket };
    } catch (error) {
      stream?.destroy();
      throw error;
    }
  }

  /** The address at which the host was reached; undefined through a jump host, which resolved it. */
  get reachedAt(): string | undefined {
    return this.socket?.remoteAddress;
  }

  /** Whether the connection can still be used, as far as is known. */
  get alive(): boolean {
    return this.lost === undefined && (this.jump?.alive ?? true);
  }

  /** Runs a command line (see quoteCommand). @throws ConnectionError when the connection is lost on the way. */
  async execute(command: string, execution: Execution): Promise<Ended> {
    this.work();
    try {
      const run = (done: ChannelCallback) => this.client.exec(command, done);
      const end = Date.now() + SESSION_MS;
      for (;;) {
        try {
          return await this.channel(run, (channel) => this.converse(channel, execution));
        } catch (error) {
          // It was not begun. The session before it may have ended here already, and not yet there.
          if (!(error instanceof ConnectionError) || error.failure !== "sessions" || Date.now() > end) throw error;
          await new Promise((resolve) => setTimeout(resolve, SESSION_PAUSE_MS));
        }
      }
    } finally {
      this.rest(true);
    }
  }

  /**
   * A stream through this host to another (RFC 4254, 7.2). That one may be off: this connection, which others use too,
   * is given up only when this host itself is silent.
   */
  private async forward({ address, port }: Connection, name: string): Promise<Duplex> {
    this.work();
    try {
      const forward = (done: ChannelCallback) => this.client.forwardOut("127.0.0.1", 0, address, port, done);
      return await this.channel(forward, (channel) => channel, false);
    } catch (error) {
      if (!(error instanceof ConnectionError) || !this.alive) throw error;
      if (error.failure !== "timeout")
        throw new ConnectionError("unreachable", `${name} is unreachable from there (${error.message})`);
      await this.execute("true", { silenceMs: CHANNEL_MS / 2 });
      throw new ConnectionError("timeout", `${name} did not answer in time`);
    } finally {
      // A stream through here keeps this connection busy only while its own user is.
      this.rest(true);
    }
  }

  /** Ends the connection; what goes over it is lost. */
  close(): void {
    this.lost ??= new ConnectionError("closed", `the connection to ${this.name} was ended here`);
    this.client.end();
    this.client.destroy();
    this.socket?.destroy();
    if (this.ownsJump) this.jump?.close();
  }

  /**
   * Opens a channel and hands it to `use` at once: what a quick command says, its exit code too, comes in the same
   * packet as the channel. `vital`: a host that does not open it is gone, and its connection is ended.
   */
  private channel<T>(
    start: (done: ChannelCallback) => unknown,
    use: (channel: ClientChannel) => T | Promise<T>,
    vital = true,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.alive) return reject(this.lost ?? new ConnectionError("closed", `the way to ${this.name} is gone`));
      const timer = setTimeout(
        () => fail(new ConnectionError("timeout", `${this.name} does not answer any more`)),
        CHANNEL_MS,
      );
      let over = false;
      const fail = (error: Error) => {
        over = true;
        clearTimeout(timer);
        this.client.off("close", gone);
        if (vital && error instanceof ConnectionError) this.close();
        reject(classify(error, this.name));
      };
      const gone = () => fail(new ConnectionError("closed", `${this.name} closed the connection`));
      this.client.once("close", gone);
      try {
        start((error, channel) => {
          if (over) return void channel?.destroy(); // it came too late
          clearTimeout(timer);
          this.client.off("close", gone);
          if (error && vital && /channel open failure/i.test(error.message)) reject(noSession(this.name));
          else if (error) reject(classify(error, this.name));
          else resolve(use(channel));
        });
      } catch (error) {
        // The library refuses only what a connection that has ended cannot do.
        this.lost ??= new ConnectionError("closed", `${this.name}: ${(error as Error).message}`);
        fail(this.lost);
      }
    });
  }

  private converse(channel: ClientChannel, execution: Execution): Promise<Ended> {
    return new Promise((resolve, reject) => {
      let code: number | undefined;
      let signal: string | undefined;
      let stderr = "";
      let rest = "";
      let ended = false;
      const silent = () => {
        reject(new ConnectionError("timeout", `${this.name} said nothing for ${execution.silenceMs / 1000} s`));
        this.close();
      };
      let timer = setTimeout(silent, execution.silenceMs);
      const heard = () => {
        clearTimeout(timer);
        timer = setTimeout(silent, execution.silenceMs);
      };
      channel.setEncoding("utf8");
      channel.on("data", (chunk: string) => {
        heard();
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) execution.onLine?.(line);
      });
      channel.stderr.setEncoding("utf8");
      channel.stderr.on("data", (chunk: string) => {
        heard();
        stderr = (stderr + chunk).slice(-16_384);
      });
      channel.on("exit", (exit: number | null, name?: string) => {
        ended = true;
        code = exit ?? undefined;
        signal = name;
      });
      channel.on("close", () => {
        clearTimeout(timer);
        if (rest !== "") execution.onLine?.(rest);
        if (ended) resolve({ code, signal, stderr });
        else
          reject(
            this.lost ??
              new ConnectionError("closed", `${this.name} closed the connection before the command had ended`),
          );
      });
      channel.on("error", (error: Error) => reject(classify(error, this.name)));
      // Only our end is said to be over (EOF). Ended as a stream, the channel would be closed as soon as the host's end
      // is over as well, and then a command that ends quickly is closed before its exit code has come.
      const over = () => channel.eof();
      if (execution.input?.length) channel.write(execution.input, over);
      else over();
    });
  }

  /** While something runs the process stays; an idle connection does not keep it alive. */
  private work(): void {
    this.active += 1;
    this.socket?.ref();
    this.jump?.work();
  }

  private rest(worked = false): void {
    if (worked) this.active -= 1;
    if (this.active === 0) this.socket?.unref();
    if (worked) this.jump?.rest(true);
  }
}

function noSession(host: string): ConnectionError {
  return new ConnectionError(
    "sessions",
    `${host} opens no further session on this connection (see MaxSessions in its sshd_config)`,
  );
}
