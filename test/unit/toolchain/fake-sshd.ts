// An SSH server in this process: real protocol, real shell commands, SFTP on a folder, connections forwarded on
// request.
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { closeSync, mkdirSync, openSync, statSync, writeSync } from "node:fs";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { type Attributes, type Connection, Server, type SFTPWrapper, utils } from "ssh2";
import { makeSshHostPair } from "../../../host/keys/pairs";

const { STATUS_CODE } = utils.sftp;

/** A fresh Ed25519 or ECDSA key pair as OpenSSH writes it. */
export function sshKey(type: "ed25519" | "ecdsa" = "ed25519"): { privateKey: string; publicKey: string } {
  // Not ssh2's own maker for Ed25519: one key of some hundreds that it makes cannot be read.
  if (type === "ed25519") return makeSshHostPair();
  const made = utils.generateKeyPairSync("ecdsa", { bits: 256 });
  return { privateKey: made.private, publicKey: made.public };
}

/** An RSA host key in PEM. */
export function rsaHostKey(): string {
  return generateKeyPairSync("rsa", { modulusLength: 2048 })
    .privateKey.export({ type: "pkcs1", format: "pem" })
    .toString();
}

export interface FakeSshd {
  readonly port: number;
  readonly hostKey: string;
  /** Every command line that was run, with the environment that was accepted. */
  readonly commands: { command: string; env: Record<string, string> }[];
  /** Log-ins that were tried, failed ones too. */
  logins: number;
  /** Connections that were accepted. */
  connections: number;
  /** Refuse this many log-ins before the first good one. */
  refuse: number;
  /** Cut the connection in the middle of the next command. */
  cut: boolean;
  close(): Promise<void>;
}

interface Options {
  readonly authorized: string;
  readonly hostKeys: readonly string[];
  readonly acceptEnv?: readonly string[];
  readonly port?: number;
}

function attributes(path: string): Attributes {
  const { mode, uid, gid, size, atimeMs, mtimeMs } = statSync(path);
  return { mode, uid, gid, size, atime: atimeMs / 1000, mtime: mtimeMs / 1000 };
}

function serveFiles(sftp: SFTPWrapper): void {
  const reply = (id: number, work: () => void) => {
    try {
      work();
      sftp.status(id, STATUS_CODE.OK);
    } catch (error) {
      const missing = (error as { code?: string }).code === "ENOENT";
      // The words are OpenSSH's: node-ssh goes by them.
      if (missing) sftp.status(id, STATUS_CODE.NO_SUCH_FILE, "No such file");
      else sftp.status(id, STATUS_CODE.FAILURE, "Failure");
    }
  };
  const stat = (id: number, path: string) => {
    try {
      sftp.attrs(id, attributes(path));
    } catch {
      sftp.status(id, STATUS_CODE.NO_SUCH_FILE, "No such file");
    }
  };
  const handle = (fd: number) => Buffer.from(String(fd));
  sftp.on("OPEN", (id, name) => {
    try {
      sftp.handle(id, handle(openSync(name, "w")));
    } catch {
      sftp.status(id, STATUS_CODE.FAILURE);
    }
  });
  sftp.on("WRITE", (id, fd, offset, data) =>
    reply(id, () => void writeSync(Number(String(fd)), data, 0, data.length, offset)),
  );
  sftp.on("CLOSE", (id, fd) => reply(id, () => closeSync(Number(String(fd)))));
  sftp.on("STAT", stat).on("LSTAT", stat);
  sftp.on("FSTAT", (id, fd) => stat(id, `/proc/self/fd/${String(fd)}`));
  sftp.on("MKDIR", (id, path) => reply(id, () => mkdirSync(path)));
  sftp.on("SETSTAT", (id) => reply(id, () => undefined)).on("FSETSTAT", (id) => reply(id, () => undefined));
  sftp.on("REALPATH", (id, path) => sftp.name(id, [{ filename: path, longname: path, attrs: {} as Attributes }]));
}

/** Starts a server; `acceptEnv` is sshd's AcceptEnv. */
export async function fakeSshd(options: Options): Promise<FakeSshd> {
  const authorized = (utils.parseKey(options.authorized) as { getPublicSSH(): Buffer }).getPublicSSH();
  const state: FakeSshd = {
    port: 0,
    hostKey: "",
    commands: [],
    logins: 0,
    connections: 0,
    refuse: 0,
    cut: false,
    close: async () => undefined,
  };
  const clients = new Set<Connection>();

  const onSession = (client: Connection) => {
    client.on("session", (acceptSession) => {
      const session = acceptSession();
      const env: Record<string, string> = {};
      session.on("env", (accept, reject, { key, val }) => {
        const takes = options.acceptEnv?.includes(key) ?? false;
        if (takes) env[key] = val;
        (takes ? accept : reject)?.();
      });
      session.on("sftp", (accept) => serveFiles(accept()));
      session.on("exec", (accept, _reject, { command }) => {
        const channel = accept();
        state.commands.push({ command, env: { ...env } });
        if (state.cut) return void client.end();
        const child = spawn("sh", ["-c", command], { env: { PATH: process.env.PATH, ...env } });
        channel.pipe(child.stdin);
        child.stdin.on("error", () => undefined);
        child.stdout.pipe(channel.stdout, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.on("close", (code, signal) => {
          if (signal) channel.exit(signal.slice(3));
          else channel.exit(code ?? 0);
          channel.end();
        });
      });
    });
    client.on("tcpip", (accept, _reject, { destIP, destPort }) => {
      const socket = connect(destPort, destIP);
      const channel = accept();
      socket.on("error", () => channel.close());
      channel.pipe(socket).pipe(channel);
    });
  };

  const server = new Server({ hostKeys: [...options.hostKeys] }, (client) => {
    state.connections++;
    clients.add(client);
    client.on("error", () => undefined).on("close", () => clients.delete(client));
    client.on("authentication", (context) => {
      if (context.method === "none") return context.reject(["publickey"]);
      state.logins++;
      const good = context.method === "publickey" && context.key.data.equals(authorized) && state.refuse-- <= 0;
      return good ? context.accept() : context.reject(["publickey"]);
    });
    client.on("ready", () => onSession(client));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const first = utils.parseKey(String(options.hostKeys[0])) as { type: string; getPublicSSH(): Buffer };
  const close = async () => {
    clients.forEach((client) => client.end());
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    hostKey: `${first.type} ${first.getPublicSSH().toString("base64")}`,
    close,
  });
}
