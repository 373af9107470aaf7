/**
 * Four kinds of TLS clients that are asked whether they take a server's certificate, with one root as all that they
 * trust.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:tls";
import { type AddressInfo, isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SignedLeaf } from "./leaf";

/** What a client said. */
export interface Judgement {
  readonly accepted: boolean;
  /** Its own words. */
  readonly output: string;
}

/** Where a server is. */
export interface ServerAddress {
  /** IPv4 */
  readonly address: string;
  readonly port: number;
}

/** The clients, by name; what they run is told where, as whom, and with which root. */
const COMMANDS: Record<string, (at: ServerAddress & { name: string; root: string; folder: string }) => string[]> = {
  openssl: ({ address, port, name, root }) => [
    // Its exit code says also how the connection ended; what it thinks of the certificate is a line of its own.
    ...[
      "sh",
      "-c",
      'said=$("$@" 2>&1); echo "$said"; case $said in *"Verify return code: 0 (ok)"*) ;; *) exit 1 ;; esac',
      "sh",
    ],
    ...["openssl", "s_client", "-connect", `${address}:${port}`, "-CAfile", root, "-no-CApath", "-no-CAstore"],
    ...[
      "-verify_return_error",
      ...(isIP(name) ? ["-verify_ip", name] : ["-servername", name, "-verify_hostname", name]),
    ],
  ],
  curl: ({ address, port, name, root }) => [
    ...["curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", root, "--capath", "/nonexistent"],
    ...["--resolve", `${name}:${port}:${address}`, `https://${name}:${port}/`],
  ],
  python: ({ address, port, name, root }) => [
    ...["python3", join(__dirname, "client.py"), address, `${port}`, name, root],
  ],
  go: ({ address, port, name, root, folder }) => [join(folder, "client"), `${address}:${port}`, name, root],
};

/** The clients' names. */
export const CLIENTS = Object.keys(COMMANDS);

async function run([program, ...args]: string[], cwd?: string): Promise<Judgement> {
  return new Promise((resolve) => {
    const child = execFile(program!, args, { timeout: 120_000, cwd }, (error, stdout, stderr) => {
      // A program that is not there has judged nothing.
      if (error !== null && typeof error.code === "string") throw error;
      resolve({ accepted: error === null, output: `${stdout}${stderr}` });
    });
    child.stdin?.end();
  });
}

/** The clients, ready to be asked; the Go one is compiled. */
export class TlsClients {
  private readonly folder = mkdtempSync(join(tmpdir(), "intranet-clients-"));
  private readonly root = join(this.folder, "root.pem");

  constructor(root: string) {
    writeFileSync(this.root, root);
  }

  /** @throws Error when the Go client does not compile */
  async build(): Promise<void> {
    const { accepted, output } = await run([
      "go",
      "build",
      "-o",
      join(this.folder, "client"),
      join(__dirname, "client.go"),
    ]);
    if (!accepted) throw new Error(output);
  }

  /**
   * A server with that certificate and chain, asked by one client under a name, or under an address that is 127.0.0.1.
   */
  async ask(client: string, name: string, { chain, privateKey }: SignedLeaf): Promise<Judgement> {
    const server = createServer({ cert: chain, key: privateKey }, (socket) => {
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    });
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      return await run(this.command(client, name, { address: "127.0.0.1", port }));
    } finally {
      server.close();
    }
  }

  /** What to run for one client to ask a server that is there already. */
  command(client: string, name: string, at: ServerAddress): string[] {
    return COMMANDS[client]!({ ...at, name, root: this.root, folder: this.folder });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
