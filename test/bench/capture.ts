/** Listening to the operator's side of the wire while a tool runs. */
import { spawn } from "node:child_process";
import { operatorArgv } from "../../lab/lab-process";
import type { InstancePaths } from "../../lab/paths";
import { until } from "../../lab/process";

/** Lines that tcpdump printed of all SSH connections while `during` ran, and what that gave. */
export async function captured<T>(paths: InstancePaths, during: () => Promise<T>): Promise<[T, string[]]> {
  const dump = ["tcpdump", "-n", "-tt", "-s", "96", "-B", "16384", "-i", "any", "tcp", "port", "22"];
  const child = spawn(operatorArgv(paths, dump)[0]!, operatorArgv(paths, dump).slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("latin1")));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await until("tcpdump to listen", 20_000, () => said.includes("listening on") || child.exitCode !== null);
  if (child.exitCode !== null) throw new Error(`tcpdump: ${said}`);
  try {
    const result = await during();
    await new Promise((resolve) => setTimeout(resolve, 500)); // what is still in its buffer
    return [result, out.split("\n")];
  } finally {
    child.kill("SIGINT");
    await ended;
  }
}
