/** Running a command and measuring it: wall clock alone, or what it uses while it runs. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const SAMPLE_MS = 150;
const LONGEST_MS = 1_800_000;

/** A command of a tool, as the operator. */
export interface Command {
  argv: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
}

/** How a run went. */
export interface Run {
  seconds: number;
  /** Peak of the memory of all its processes together, in MiB, shared pages counted once; only when it was sampled. */
  memory?: number;
}

/**
 * Runs a command to its end. Throws with what it said when its exit code is not 0. `sample`: looks at its processes
 * while it runs.
 */
export function measure({ argv, cwd, env }: Command, sample = false): Promise<Run> {
  const mark = `BENCH_RUN=${process.pid}-${Date.now()}`;
  const [name, value] = mark.split("=") as [string, string];
  const begun = process.hrtime.bigint();
  let memory = 0;
  const sampling = sample
    ? setInterval(() => (memory = Math.max(memory, proportionalMemory(mark))), SAMPLE_MS)
    : undefined;
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), {
      cwd,
      env: { ...env, [name]: value },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: LONGEST_MS,
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-20_000)));
    child.on("error", reject);
    // Not `close`: a connection that a tool leaves open for its next run may hold the pipes.
    child.on("exit", (code) => {
      clearInterval(sampling);
      const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
      child.stdout.destroy();
      child.stderr.destroy();
      if (code === 0) resolve({ seconds, ...(sample ? { memory } : {}) });
      else reject(new Error(`${argv.slice(0, 6).join(" ")} …: exit code ${code}\n${said}`));
    });
  });
}

/** MiB of all processes that have `mark` in their environment: proportional set size, see smaps_rollup in proc(5). */
function proportionalMemory(mark: string): number {
  let total = 0;
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "latin1").includes(mark)) continue;
      total += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"))?.[1] ?? 0);
    } catch {
      // it has ended
    }
  }
  return total / 1024;
}

/** What the wire saw of the connections to one host. */
export interface Wire {
  /** TCP connections that were opened. */
  connections: number;
  /**
   * Times that the client had to hear from the host before it went on: data of the client after data of the host,
   * summed over the connections, and one for each connection that is opened. Over a line of 50 ms each costs 50 ms,
   * unless connections run side by side.
   */
  roundTrips: number;
}

const PACKET = /^\S+ (?:\S+ +(?:In|Out) +)?IP (\S+)\.(\d+) > (\S+)\.(\d+): Flags \[([^\]]*)\].*length (\d+)/;

/** Reads what `tcpdump -n -tt -i any` printed of `tcp port 22`: by host address. */
export function wireOf(lines: string[], port = 22): Map<string, Wire> {
  const wires = new Map<string, Wire>();
  const last = new Map<string, "client" | "host">();
  for (const line of lines) {
    const found = PACKET.exec(line);
    if (!found) continue;
    const [, from, fromPort, to, toPort, flags, length] = found as unknown as string[];
    const out = Number(toPort) === port;
    const host = out ? to! : from!;
    const key = `${host} ${out ? fromPort : toPort}`;
    const wire = wires.get(host) ?? { connections: 0, roundTrips: 0 };
    wires.set(host, wire);
    if (out && flags === "S") {
      wire.connections += 1;
      wire.roundTrips += 1;
      last.delete(key);
    }
    if (length === "0") continue;
    if (out && last.get(key) === "host") wire.roundTrips += 1;
    last.set(key, out ? "client" : "host");
  }
  return wires;
}
