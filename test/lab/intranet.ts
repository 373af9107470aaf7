/**
 * What the tests of the intranet share: the stack in the lab, its outputs, and configuration that differs in one thing.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import { planIntranet, type IntranetPlan, type IntranetSpec } from "../../model";
import { spend } from "./spent";
import { exec, type Result, run, status } from "./support";

jest.setTimeout(180_000);

/** Root of the checkout. */
export const ROOT = path.resolve(__dirname, "../..");
/** The configuration of the stack `lab`, as it is committed. */
export const LAB_CONFIG = path.join(ROOT, "stacks/Pulumi.lab.yaml");
/** Names below the domain that a stranger may try: a service, any other, the apex, two labels. */
export const NAMES = [
  "nextcloud.intranet.example",
  "other.intranet.example",
  "intranet.example",
  "a.b.intranet.example",
];

/** Runs `pulumi ARGS` on the stack `lab` as the operator. */
export function pulumi(
  args: string[],
  options: { env?: Record<string, string>; timeoutSeconds?: number } = {},
): Promise<Result> {
  return run(["pulumi", ...args, "--stack", "lab", "--non-interactive"], options);
}

/** The same, and fails with the output when the exit code is not zero. */
export async function pulumiOk(args: string[], options: { timeoutSeconds?: number } = {}): Promise<string> {
  const result = await pulumi(args, options);
  if (result.code !== 0)
    throw new Error(`pulumi ${args.join(" ")}: exit code ${result.code}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

/**
 * Brings the stack up when it is not, with every host that waits to be joined. A file that begins with it (between.ts)
 * need not look.
 */
export async function ensureUp(): Promise<unknown> {
  const known = globalThis as { intranetIsUp?: boolean };
  const isUp = known.intranetIsUp === true;
  known.intranetIsUp = false; // once: whatever the file does from now on may change it
  if (isUp) return until("every host knows the way to every other, after the boot", waysAreThere);
  await run(["pulumi", "stack", "select", "--create", "lab"]);
  await up();
  const pending = await pendingHosts();
  if (pending.length === 0) return;
  for (const host of pending) await join(host);
  await up();
}

/** Whether OSPF has brought every identity to every host. */
async function waysAreThere(): Promise<boolean> {
  const hosts = Object.keys(plan().hosts);
  const known = async (host: string): Promise<boolean> => {
    const { stdout } = await exec(host, ["sh", "-c", "ip route show proto bird; ip -6 route show proto bird"]);
    const ways = new Set(stdout.split("\n").map((line) => line.split(" ")[0]));
    return hosts.every(
      (other) => other === host || Object.values(identity(other)).every((address) => ways.has(address)),
    );
  };
  return (await Promise.all(hosts.map(known))).every(Boolean);
}

/** Runs `pulumi up`, with arguments such as {@link changedConfig} gives; fails when it does. Returns what it said. */
export function up(args: string[] = []): Promise<string> {
  return pulumiOk(["up", "--yes", "--skip-preview", ...args], { timeoutSeconds: 400 });
}

/** The hosts that wait to be joined, by the stack's outputs. */
export async function pendingHosts(): Promise<string[]> {
  const states = JSON.parse(await pulumiOk(["stack", "output", "--json", "enrolment"])) as Record<string, string>;
  return Object.keys(states).filter((site) => states[site] !== "joined");
}

/** Runs `bin/enrol ARGS` as the operator. */
export function enrol(...args: string[]): Promise<Result> {
  return run([path.join(ROOT, "bin/enrol"), ...args]);
}

/** Joins a host: runs the script that `bin/enrol` prints on its console. Returns what the script said. */
export async function join(host: string): Promise<string> {
  const printed = await enrol(host, "--stack", "lab");
  if (printed.code !== 0) throw new Error(`bin/enrol ${host}: ${printed.code} ${printed.stderr}`);
  const joined = await exec(host, ["sh"], { stdin: printed.stdout, timeoutSeconds: 180 });
  if (joined.code !== 0) throw new Error(`the script on ${host}: ${joined.code}\n${joined.stdout}${joined.stderr}`);
  return joined.stdout + joined.stderr;
}

/** The outputs of the stack, secrets in clear. */
export async function outputs(): Promise<Record<string, any>> {
  return JSON.parse(await pulumiOk(["stack", "output", "--json", "--show-secrets"]));
}

/** A resource that a preview or an update would touch. */
export interface Step {
  op: string;
  urn: string;
  type: string;
  name: string;
}

/** What `pulumi preview` would do, without what stays the same. */
export async function plannedSteps(args: string[] = []): Promise<Step[]> {
  const preview = JSON.parse(await pulumiOk(["preview", "--json", ...args]));
  return (preview.steps as any[])
    .filter((s) => s.op !== "same" && s.op !== "read")
    .map((s) => {
      const parts = String(s.urn).split("::");
      return { op: s.op, urn: s.urn, type: parts[2]!.split("$").pop()!, name: parts[3]! };
    });
}

const PREFIX = "intranet:";

/** The description of the lab's intranet, as its configuration gives it. */
function description(config: Record<string, any>): any {
  const own = Object.entries(config).filter(([key]) => key.startsWith(PREFIX));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(PREFIX.length), value]));
}

/** What follows from the lab's description, or from one that {@link changedConfig} gives: addresses, links, names. */
export function plan([, file = LAB_CONFIG]: string[] = []): IntranetPlan {
  const { sshPublicKeys: _keys, protect: _protect, ...spec } = description(parse(fs.readFileSync(file, "utf8")).config);
  return planIntranet("intranet", spec as IntranetSpec);
}

/** The addresses by which a managed host is known everywhere in the intranet. */
export function identity(host: string): { v4: string; v6: string } {
  const found = plan().hosts[host];
  if (!found) throw new Error(`${host} is no managed host`);
  return found.identity;
}

/** Writes a copy of the lab's configuration that `change` has altered; returns `--config-file PATH` for pulumi. */
export function changedConfig(change: (description: any) => void): string[] {
  const document = parse(fs.readFileSync(LAB_CONFIG, "utf8"));
  const intranet = description(document.config);
  change(intranet);
  for (const [key, value] of Object.entries(intranet)) document.config[PREFIX + key] = value;
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "intranet-test-")), "Pulumi.lab.yaml");
  fs.writeFileSync(file, stringify(document));
  return ["--config-file", file];
}

/** Polls until `condition` gives a value that is not undefined or false; fails with `what` after the deadline. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
  seconds = 60,
): Promise<T> {
  return spend("wait", () => poll(what, condition, seconds));
}

async function poll<T>(what: string, condition: () => Promise<T | undefined | false>, seconds: number): Promise<T> {
  const end = Date.now() + seconds * 1000;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`not within ${seconds} s: ${what}${last ? ` (last: ${String(last)})` : ""}`);
}

/** `curl` on a host: HTTP status, body, and the address it talked to. Status 0: no answer, `stderr` says why. */
export async function curl(
  host: string,
  args: string[],
): Promise<{ status: number; body: string; address: string; stderr: string }> {
  const marker = "\n--curl--";
  const result = await exec(host, [
    "curl",
    "--silent",
    "--show-error",
    "--max-time",
    "8",
    "--write-out",
    `${marker}%{http_code} %{remote_ip}`,
    ...args,
  ]);
  const [body = "", tail = "000 "] = result.stdout.split(marker);
  const [status = "0", address = ""] = tail.trim().split(" ");
  return { status: Number(status), body, address, stderr: result.stderr };
}

// Constant scripts: the file, then tcpdump's arguments. `begin` answers once the capture is listening.
const BEGIN =
  'f=$1; shift; setsid tcpdump -n -l --immediate-mode "$@" >"$f" 2>"$f.err" & echo $!; ' +
  'for i in $(seq 100); do grep -q listening "$f.err" && exit 0; sleep 0.05; done; cat "$f.err" >&2; exit 1';
const END =
  'sleep 0.3; kill "$1"; for i in $(seq 40); do kill -0 "$1" 2>/dev/null || break; sleep 0.05; done; cat "$2"; rm -f "$2" "$2.err"';

/**
 * Runs `during` while tcpdump listens on an interface of a host or router; returns the packets' lines that match
 * `filter`. tcpdump is the machine's own, in the host's network namespace, so that hosts need not have it.
 */
export async function capture(
  host: string,
  iface: string,
  filter: string[],
  during: () => Promise<unknown>,
): Promise<string[]> {
  const leader = (await status()).hosts.find(({ name }) => name === host)?.leader;
  const network = leader === undefined ? [`--net=/run/netns/${host}`] : ["--target", String(leader), "--net"];
  const inside = (script: string, ...args: string[]) =>
    exec("internet", ["nsenter", ...network, "sh", "-c", script, "sh", ...args]);
  const file = path.join(os.tmpdir(), `capture-${Date.now()}-${Math.floor(Math.random() * 1e6)}`);
  const begun = await inside(BEGIN, file, "-i", iface, ...filter);
  if (begun.code !== 0) throw new Error(`tcpdump on ${host} ${iface}: ${begun.stderr}`);
  let ended;
  try {
    await during();
  } finally {
    ended = await inside(END, begun.stdout.trim(), file);
  }
  return ended.stdout.split("\n").filter((line) => line.trim() !== "");
}
