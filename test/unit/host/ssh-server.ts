/** A small SSH server on loopback: real protocol, commands answered by a function, streams forwarded for jump hosts. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { makeSshHostPair } from "../../../host/keys/pairs";
import { type Connection as ServerConnection, Server, type ServerChannel, utils } from "ssh2";

export interface KeyPair {
  public: string;
  private: string;
}

export const makeKey = (): KeyPair => {
  const pair = makeSshHostPair();
  return { public: pair.publicKey, private: pair.privateKey };
};

export interface Options {
  hostKey: KeyPair;
  /** Public keys that may log in. */
  allowed: string[];
  /** Answers a command line: what it prints, and its exit code. */
  onExec?: (command: string, input: Buffer) => { stdout?: string; stderr?: string; code: number } | "hang" | "drop";
  /** What becomes of a stream to another host: `hang` as to one that is off, `refuse` as to one without a way. */
  forward?: "hang" | "refuse";
  /**
   * Milliseconds between the end of what a command prints and its exit code: sshd sees the one before the other.
   * Default: none.
   */
  reapMs?: number;
  /** Sessions that may be open on one connection; a further one is refused as sshd does. Default: any number. */
  maxSessions?: number;
  /** Refused keys after which the login is ended, as sshd does. Default: any number. */
  maxAuthTries?: number;
  /** Answers at once, in one piece with the opening, without the command's input. */
  atOnce?: boolean;
}

/** Counts what a host's own log would: logins, and sessions that are open at the same time. */
export class SshServer {
  logins = 0;
  attempts = 0;
  /** Keys that were offered, on all connections. */
  offered = 0;
  openSessions = 0;
  mostSessions = 0;
  private readonly clients = new Set<ServerConnection>();
  private readonly server = createServer((socket) => this.shown.injectSocket(socket));
  private shown: Server;

  constructor(private readonly options: Options) {
    this.shown = this.withKey(options.hostKey);
  }

  /** Shows another host key from the next connection on, as sshd does when it has read it. */
  show(hostKey: KeyPair): void {
    this.shown = this.withKey(hostKey);
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends all connections, as a reset host does. */
  dropAll(): void {
    for (const client of this.clients) client.end();
    this.clients.clear();
  }

  /** Takes no new connection; those that stand stay. */
  shut(): void {
    this.server.close();
  }

  async close(): Promise<void> {
    this.dropAll();
    if (this.server.listening) await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private withKey(hostKey: KeyPair): Server {
    return new Server({ hostKeys: [hostKey.private] }, (client) => this.serve(client));
  }

  private serve(client: ServerConnection): void {
    this.attempts += 1;
    this.clients.add(client);
    client.on("error", () => undefined);
    client.on("close", () => this.clients.delete(client));
    let refused = 0;
    client.on("authentication", (context) => {
      if (context.method !== "publickey") return context.reject(["publickey"]);
      const offered = context.key.data;
      if (context.signature === undefined) this.offered += 1;
      const known = this.options.allowed
        .map((key) => utils.parseKey(key))
        .some((key) => !(key instanceof Error) && key.getPublicSSH().equals(offered));
      if (known) context.accept();
      else if ((refused += 1) < (this.options.maxAuthTries ?? Infinity)) context.reject();
      else endLogin(client);
    });
    client.on("ready", () => {
      this.logins += 1;
      let open = 0;
      client.on("session", (accept, reject) => {
        if (open >= (this.options.maxSessions ?? Infinity)) return reject();
        open += 1;
        const session = accept();
        session.on("close", () => (open -= 1));
        this.session(session, client);
      });
      client.on("tcpip", (accept, reject, info) => {
        if (this.options.forward === "refuse") return reject();
        if (this.options.forward === "hang") return;
        const stream = accept();
        const socket = connect(info.destPort, "127.0.0.1");
        stream.on("error", () => socket.destroy());
        socket.on("error", () => stream.end());
        stream.pipe(socket).pipe(stream);
      });
    });
  }

  private session(session: import("ssh2").Session, client: ServerConnection): void {
    this.openSessions += 1;
    this.mostSessions = Math.max(this.mostSessions, this.openSessions);
    session.on("exec", (accept, _reject, info) => {
      const { _sock: socket } = client as unknown as { _sock: Socket };
      if (this.options.atOnce) socket.cork();
      const channel = accept();
      const parts: Buffer[] = [];
      channel.on("error", () => undefined);
      channel.on("data", (part: Buffer) => parts.push(part));
      const respond = () => {
        const answer = this.options.onExec?.(info.command, Buffer.concat(parts)) ?? { code: 0 };
        if (answer === "hang") return;
        if (answer === "drop") return this.dropAll();
        if (answer.stdout) channel.write(answer.stdout);
        if (answer.stderr) channel.stderr.write(answer.stderr);
        const reap = () => {
          channel.exit(answer.code);
          channel.end();
        };
        if (this.options.reapMs === undefined) return reap();
        endOfOutput(channel);
        setTimeout(reap, this.options.reapMs);
      };
      if (this.options.atOnce) {
        respond();
        socket.uncork();
      } else channel.on("end", respond);
    });
    session.on("close", () => (this.openSessions -= 1));
  }
}

/** Ends a login with sshd's own words (RFC 4253, 11.1). */
function endLogin(client: ServerConnection): void {
  const { _protocol: protocol, _sock: socket } = client as unknown as {
    _protocol: {
      _packetRW: { write: { alloc(size: number): Buffer; allocStart: number } };
      _cipher: { encrypt(packet: Buffer): void };
    };
    _sock: Socket;
  };
  const text = "Too many authentication failures";
  const { write } = protocol._packetRW;
  const packet = write.alloc(13 + text.length);
  let at = write.allocStart;
  packet[at] = 1;
  packet.writeUInt32BE(2, (at += 1));
  packet.writeUInt32BE(text.length, (at += 4));
  packet.write(text, (at += 4), "latin1");
  packet.writeUInt32BE(0, at + text.length);
  protocol._cipher.encrypt((write as unknown as { finalize(packet: Buffer): Buffer }).finalize(packet));
  socket.end();
}

/** Says that nothing more is printed. The library's own way to say so leaves no way to send an exit code. */
function endOfOutput(channel: ServerChannel): void {
  const { _client: client, outgoing } = channel as unknown as {
    _client: { _protocol: { channelEOF(id: number): void } };
    outgoing: { id: number };
  };
  client._protocol.channelEOF(outgoing.id);
}
