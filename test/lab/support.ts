/** The lab as tests use it: `bin/lab` of this checkout, with an instance of its own ($LAB_NAME, else "test"), up before the first test. */
import { spawn } from "node:child_process";
import * as path from "node:path";
import type { ProbeOptions, ProbeResult } from "../../lab/probe";
import type { LabStatus } from "../../lab/supervisor-api";

const ROOT = path.resolve(__dirname, "../..");

/** Name of the instance that the tests use. */
export const LAB_NAME = process.env["LAB_NAME"] || "test";

/** How a command ended. */
export interface Result {
  /** Exit code; 124 when it was ended since it took too long. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Options of `lab`, `exec` and `run`. */
export interface CommandOptions {
  /** Text for stdin; default: none. */
  stdin?: string;
  /** Seconds after which the command is ended; default 120. */
  timeoutSeconds?: number;
  /** Variables for the command, also over those that the lab sets; only `run` has them. */
  env?: Record<string, string>;
  /** Hears what it prints, while it runs. */
  onOutput?: (text: string) => void;
}

/** Runs `bin/lab ARGS`; never throws for an exit code. */
export function lab(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(ROOT, "bin/lab"), args, {
      cwd: ROOT,
      env: { ...process.env, LAB_NAME },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let late = false;
    const timer = setTimeout(
      () => {
        late = true;
        process.kill(-child.pid!, "SIGKILL"); // the command and what it has started
      },
      (options.timeoutSeconds ?? 120) * 1000,
    );
    for (const [stream, chunks] of [
      [child.stdout, out],
      [child.stderr, err],
    ] as const)
      stream.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        options.onOutput?.(chunk.toString());
      });
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.stdin ?? "");
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      const said = late ? `\nended after ${options.timeoutSeconds ?? 120} s` : "";
      resolve({
        code: late ? 124 : (code ?? 1),
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString() + said,
      });
    });
  });
}

/** The same, and throws with the output when the exit code is not 0. Returns stdout. */
export async function labOk(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await lab(args, options);
  if (result.code !== 0)
    throw new Error(`bin/lab ${args.join(" ")}: exit code ${result.code}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** Runs a command inside a host or in a router's namespace. */
export function exec(host: string, argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
  return lab(["exec", host, "--", ...argv], options);
}

/** The same, and throws with what the command said when its exit code is not 0. Returns stdout. */
export async function execOk(host: string, argv: readonly string[]): Promise<string> {
  const result = await exec(host, argv);
  if (result.code !== 0) throw new Error(`${argv.join(" ")} on ${host}: ${result.code} ${result.stderr}`);
  return result.stdout;
}

/** Runs a command as the operator, on home's LAN. */
export function run(argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const pairs = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
  return lab(["run", "--", ...(pairs.length > 0 ? ["env", ...pairs] : []), ...argv], options);
}

/** One attempt from a host to a host, address or name; throws only when the probe itself cannot be made. */
export async function probe(from: string, to: string, options: ProbeOptions = {}): Promise<ProbeResult> {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return JSON.parse(await labOk(["probe", from, to, "--json", ...flags])) as ProbeResult;
}

/** What runs. */
export async function status(): Promise<LabStatus> {
  return JSON.parse(await labOk(["status", "--json"])) as LabStatus;
}

/** Brings the lab up, and keeps the snapshot `fresh` of it as it is before any stack was there. */
export async function ensureLab(): Promise<void> {
  const now = JSON.parse(await labOk(["up", "--json"], { timeoutSeconds: 900 })) as LabStatus;
  if (!now.snapshots.includes("fresh") && now.hosts.every(({ kind }) => kind !== "server"))
    await labOk(["snapshot", "fresh"]);
}

beforeAll(ensureLab, 900_000);
