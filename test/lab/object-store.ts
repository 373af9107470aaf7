/**
 * A server that speaks S3, at an address of the lab's services: where teams keep the state of a stack. The toolchain
 * builds it.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SERVICES } from "../../lab/constants";
import { ROOT, until } from "./intranet";
import { LAB_NAME, run } from "./support";

const PORT = 9000;
const ENDPOINT = `http://${SERVICES.packages.ipv4}:${PORT}`;
const KEYS = { id: "lab-access-key", secret: "lab-secret-key-that-opens-nothing-else" };
const BUCKET = "team";

/** The server with one bucket; `start` first, `remove` at the end. */
export class ObjectStore {
  private readonly folder = mkdtempSync(join(tmpdir(), "intranet-s3-"));
  private server: ChildProcess | undefined;

  /** Where the bucket's objects lie, as files. */
  readonly objects = join(this.folder, "objects", BUCKET);

  /** What makes Pulumi keep its state there. */
  readonly environment = {
    PULUMI_BACKEND_URL: `s3://${BUCKET}?endpoint=${ENDPOINT}&s3ForcePathStyle=true&region=us-east-1`,
    AWS_ACCESS_KEY_ID: KEYS.id,
    AWS_SECRET_ACCESS_KEY: KEYS.secret,
  };

  /** Builds the program if it is not there, starts it and waits until it answers. */
  start = async (): Promise<void> => {
    const toolchain = join(ROOT, "toolchain/bin/toolchain");
    const built = execFileSync(toolchain, ["program", "versitygw"], { encoding: "utf8", stdio: ["ignore", "pipe", 2] });
    const [objects, metadata] = ["objects", "metadata"].map((name) => join(this.folder, name)) as [string, string];
    mkdirSync(join(objects, BUCKET), { recursive: true }); // a folder is a bucket
    mkdirSync(metadata, { recursive: true });
    const keys = [`ROOT_ACCESS_KEY=${KEYS.id}`, `ROOT_SECRET_KEY=${KEYS.secret}`];
    const command = [
      join(built.trim(), "versitygw"),
      "--port",
      ENDPOINT.slice("http://".length),
      "--quiet",
      "--health",
      "/health",
    ];
    const argv = ["exec", "services", "--", "env", ...keys, ...command, "posix", "--sidecar", metadata, objects];
    this.server = spawn(join(ROOT, "bin/lab"), argv, {
      env: { ...process.env, LAB_NAME },
      stdio: "ignore",
      detached: true,
    });
    const healthy = ["curl", "--silent", "--fail", "--max-time", "5", `${ENDPOINT}/health`];
    await until("the object store answers", async () => (await run(healthy)).code === 0);
  };

  /** Ends it at once, as when its machine dies; the objects stay. */
  stop = async (): Promise<void> => {
    const server = this.server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const over = new Promise((resolve) => server.once("exit", resolve));
    process.kill(-server.pid!, "SIGKILL");
    await over;
  };

  /** Ends it for good. */
  remove = async (): Promise<void> => {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  };
}
