/**
 * The lab as tests use it, with an instance of its own ($LAB_NAME, else "test"). Commands of `bin/lab` that tests use
 * all the time are called here without a process of their own.
 */
import * as path from "node:path";
import { asOperator } from "../../lab/commands/run";
import { execArgv, requireLab } from "../../lab/lab-process";
import { instancePaths } from "../../lab/paths";
import { probe as labProbe, type ProbeOptions, type ProbeResult } from "../../lab/probe";
import type { LabStatus } from "../../lab/supervisor-api";
import { command, type CommandOptions, type Result } from "./command";
import { spend } from "./spent";

export type { CommandOptions, Result } from "./command";

const ROOT = path.resolve(__dirname, "../..");

/**
 * Name of the instance that the tests use; where several run side by side ($LAB_RUN is set), each of jest's workers has
 * one.
 */
export const LAB_NAME =
  (process.env["LAB_NAME"] || "test") + (process.env["LAB_RUN"] ? `-${process.env["JEST_WORKER_ID"] ?? "1"}` : "");

/** Where the instance is. */
export const INSTANCE = instancePaths(LAB_NAME);

/** What hosts boot for, or all of a lab begins again. */
const BOOTS = new Set(["up", "down", "reset", "off", "on", "restore", "snapshot", "restart-clouds"]);

/** Runs `bin/lab ARGS`; never throws for an exit code. */
export function lab(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const going = () =>
    command([path.join(ROOT, "bin/lab"), ...args], { ...options, cwd: ROOT, env: { ...options.env, LAB_NAME } });
  return BOOTS.has(args[0] ?? "") ? spend("boot", going) : going();
}

/** The same, and throws with the output when the exit code is not 0. Returns stdout. */
export async function labOk(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await lab(args, options);
  if (result.code !== 0)
    throw new Error(`bin/lab ${args.join(" ")}: exit code ${result.code}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/**
 * Runs a command inside a host or in a router's namespace. A host that is off, or that nobody knows, is exit code 1, as
 * of `bin/lab exec`.
 */
export async function exec(host: string, argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
  let whole;
  try {
    whole = execArgv(INSTANCE, await status(), host, argv);
  } catch (error) {
    return { code: 1, stdout: "", stderr: `lab: ${(error as Error).message}\n` };
  }
  return command(whole, options);
}

/** The same, and throws with what the command said when its exit code is not 0. Returns stdout. */
export async function execOk(host: string, argv: readonly string[]): Promise<string> {
  const result = await exec(host, argv);
  if (result.code !== 0) throw new Error(`${argv.join(" ")} on ${host}: ${result.code} ${result.stderr}`);
  return result.stdout;
}

/** Runs a command as the operator, on home's LAN. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
  await status();
  const { argv: whole, env } = await asOperator(INSTANCE, argv);
  const going = () => command(whole, { ...options, cwd: ROOT, env: { ...env, ...options.env } });
  return argv.includes("pulumi") ? spend("up", going) : going();
}

/** One attempt from a host to a host, address or name; throws only when the probe itself cannot be made. */
export async function probe(from: string, to: string, options: ProbeOptions = {}): Promise<ProbeResult> {
  return labProbe(INSTANCE, await status(), from, to, options);
}

/** What runs. Throws when the lab does not. */
export function status(): Promise<LabStatus> {
  return requireLab(INSTANCE);
}

/**
 * Brings the lab up, and keeps the snapshot `fresh` of it as it is before any stack was there. Returns whether it has
 * just been made.
 */
export async function ensureLab(): Promise<boolean> {
  const now = JSON.parse(await labOk(["up", "--json"], { timeoutSeconds: 900 })) as LabStatus;
  if (now.snapshots.includes("fresh") || now.hosts.some(({ kind }) => kind === "server")) return false;
  await labOk(["snapshot", "fresh"]);
  return true;
}
