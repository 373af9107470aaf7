/**
 * `make bench ARGS=guests`: what lets IPv4 guests in by name, beside a plain nginx stream and HAProxy, in a network
 * namespace of its own.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { Command } from "commander";
import { GUEST_PREFIX } from "../../../model";
import { BULK, SMALL } from "./load";
import { PROXIES, type Proxy } from "./proxies";

const INSIDE = "INTRANET_BENCH_GUESTS";
const LOAD = path.join(__dirname, "load.js");
/** Guests side by side. */
const LANES = { small: 64, bulk: 4 } as const;
/** Clock ticks a second in /proc/PID/stat: always 100 on Linux as Debian builds it (sysconf(3), _SC_CLK_TCK). */
const TICKS = 100;

/** One proxy's numbers, a value a round. */
interface Numbers {
  readonly guests: number[];
  readonly guestCpu: number[];
  readonly gigabits: number[];
  readonly bulkCpu: number[];
}

const progress = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Processor seconds of a process and its children that still run. */
function cpuOf(root: number): number {
  const all = readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
        .replace(/^.*\) /, "")
        .split(" ");
      return [{ pid: Number(pid), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }];
    } catch {
      return []; // it has ended
    }
  });
  const own = all.filter(({ pid, parent }) => pid === root || parent === root);
  return own.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS;
}

async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = net.connect({ host: "127.0.0.1", port }, () => resolve(true));
      socket.on("error", () => resolve(false)).on("connect", () => socket.destroy());
    });
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing answers at port ${port}`);
}

function load(
  port: number,
  name: string,
  lanes: number,
  seconds: number,
): { guests: number; bytes: number; seconds: number } {
  const said = execFileSync(process.execPath, [LOAD, "visit", `${port}`, name, `${lanes}`, `${seconds}`], {
    encoding: "utf8",
  });
  return JSON.parse(said) as { guests: number; bytes: number; seconds: number };
}

/** One proxy for one round: starts it, lets guests in, and ends it. */
async function round(proxy: Proxy, folder: string, seconds: number, numbers: Numbers): Promise<void> {
  const file = path.join(folder, "proxy.conf");
  writeFileSync(file, proxy.config(folder));
  const [program, ...rest] = proxy.command(file);
  const child: ChildProcess = spawn(program!, rest, { stdio: ["ignore", "ignore", "inherit"] });
  try {
    for (const service of ["small", "bulk"] as const) await answers(proxy.port(service));
    let before = cpuOf(child.pid!);
    const small = load(proxy.port("small"), SMALL.name, LANES.small, seconds);
    numbers.guests.push(small.guests / small.seconds);
    numbers.guestCpu.push(((cpuOf(child.pid!) - before) / small.guests) * 1e6);
    before = cpuOf(child.pid!);
    const bulk = load(proxy.port("bulk"), BULK.name, LANES.bulk, seconds);
    numbers.gigabits.push((bulk.bytes * 8) / bulk.seconds / 1e9);
    numbers.bulkCpu.push((cpuOf(child.pid!) - before) / (bulk.bytes / 2 ** 30));
  } finally {
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGTERM"); // at once, with its workers (nginx(8), HAProxy's management guide)
    await ended;
  }
}

function table(all: ReadonlyMap<Proxy, Numbers>, rounds: number): string {
  const [first] = [...all.values()];
  const ratio = (value: number, own: number): string => `${value} (${(value / own).toFixed(2)})`;
  const row = (proxy: Proxy, numbers: Numbers): string => {
    const cell = (field: keyof Numbers, digits: number): string =>
      ratio(Number(median(numbers[field]).toFixed(digits)), median(first![field]));
    return `| ${proxy.title} | ${cell("guests", 0)} | ${cell("guestCpu", 0)} | ${cell("gigabits", 1)} | ${cell("bulkCpu", 2)} |`;
  };
  return [
    `Medians of ${rounds} rounds, and in brackets the ratio to this library's.`,
    "",
    "| proxy | new guests a second | µs of processor a guest | Gbit/s | s of processor a GiB |",
    "| --- | --- | --- | --- | --- |",
    ...[...all].map(([proxy, numbers]) => row(proxy, numbers)),
    "",
  ].join("\n");
}

async function inside(rounds: number, seconds: number): Promise<void> {
  const ip = (...words: string[]): void => void execFileSync("ip", words);
  ip("link", "set", "lo", "up");
  for (const { address } of [SMALL, BULK]) ip("-6", "address", "add", `${address}/128`, "dev", "lo", "nodad");
  // The way back to the guests: here everything is one host.
  ip("-6", "route", "add", "local", GUEST_PREFIX, "dev", "lo");
  const folder = mkdtempSync(path.join(tmpdir(), "bench-guests-"));
  execFileSync("chmod", ["755", folder]);
  writeFileSync(path.join(folder, "denied.html"), "denied\n");
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-subj",
    "/CN=x",
  ];
  const files = ["-keyout", path.join(folder, "key.pem"), "-out", path.join(folder, "certificate.pem")];
  execFileSync("openssl", [...request, ...files], { stdio: "ignore" });
  const services = spawn(process.execPath, [LOAD, "serve"], { stdio: "inherit" });
  try {
    const all = new Map<Proxy, Numbers>(
      PROXIES.map((proxy) => [proxy, { guests: [], guestCpu: [], gigabits: [], bulkCpu: [] }]),
    );
    for (let number = 1; number <= rounds; number += 1)
      for (const [proxy, numbers] of all) {
        progress(`round ${number} of ${rounds}: ${proxy.title}`);
        await round(proxy, folder, seconds, numbers);
      }
    process.stdout.write(table(all, rounds));
  } finally {
    services.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const program = new Command("bench guests")
    .description("Lets guests in by name: this library's proxy beside a plain nginx stream and HAProxy, on loopback.")
    .option("--rounds <n>", "the proxies take turns in each", "5")
    .option("--seconds <n>", "how long guests come, twice a proxy and round", "5");
  const options = program.parse().opts<{ rounds: string; seconds: string }>();
  if (process.env[INSIDE]) return inside(Number(options.rounds), Number(options.seconds));
  execFileSync("bin/apt-install", ["haproxy", "nginx-light", "libnginx-mod-stream"], { stdio: "inherit" });
  // With the process that leads it the namespace's processes end, too.
  const wrapped = [
    "--net",
    "--pid",
    "--fork",
    "--mount-proc",
    "--kill-child",
    process.execPath,
    ...process.argv.slice(1),
  ];
  execFileSync("unshare", wrapped, { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } });
}

main().catch((error: Error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
});
