/** A host behind NAT: the first `up` does without it, a script brings it in, and `destroy` leaves it as it was. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, until } from "./intranet";
import { type Result, exec, execOk, labOk, run } from "./support";
import { traces } from "./traces";

jest.setTimeout(300_000);
const PROGRAM = join(ROOT, "test/lab/enrol-program");
const HOST = "cabin";
const backend = mkdtempSync(join(tmpdir(), "intranet-enrol-"));
const env = { PULUMI_BACKEND_URL: `file://${backend}`, TRIAL_HOST: HOST };
const UP = ["up", "--yes", "--skip-preview"];

const stack = (args: string[], more: Record<string, string> = {}): Promise<Result> =>
  run(["pulumi", ...args, "--cwd", PROGRAM, "--stack", "trial", "--non-interactive"], {
    env: { ...env, ...more },
    timeoutSeconds: 280,
  });
const ok = async (args: string[], more: Record<string, string> = {}): Promise<string> => {
  const result = await stack(args, more);
  if (result.code !== 0)
    throw new Error(`pulumi ${args.join(" ")}: ${result.code}\n${result.stdout}\n${result.stderr}`);
  return result.stdout + result.stderr;
};
const enrol = (host: string): Promise<Result> =>
  run(["bin/enrol", host, "--stack", "trial", "--cwd", PROGRAM], { env });
/** Runs the script on the host's console. */
const bringIn = async (script: string): Promise<string> => {
  const done = await exec(HOST, ["sh"], { stdin: script });
  if (done.code !== 0) throw new Error(`the script: ${done.code}\n${done.stdout}\n${done.stderr}`);
  return done.stdout + done.stderr;
};
const rolesOf = async (): Promise<string[]> =>
  (JSON.parse(await ok(["stack", "export"])).deployment.resources as { type: string; inputs: any }[])
    .filter(({ type, inputs }) => type.endsWith("HostRole") && inputs.connection.name === HOST)
    .map(({ inputs }) => inputs.role as string)
    .sort();

// The host forwards for nobody, so its uplink needs no rule.
const ROLES = ["intranet-firewall", "intranet-identity", "intranet-ssh", "trial-note", "tunnel-wg-hub"];
let before: string;
let script: string;
beforeAll(async () => {
  await run(["pulumi", "stack", "init", "trial", "--cwd", PROGRAM, "--non-interactive"], { env });
  // Compared with what is there after a power cut: what only the very first boot starts does not count.
  await labOk(["reset", HOST]);
  await settled();
  before = await traces(HOST);
});
afterAll(async () => {
  await stack(["destroy", "--yes", "--skip-preview"]);
  rmSync(backend, { recursive: true, force: true });
});
const settled = () =>
  until("the host has booted", async () =>
    /^(running|degraded)/.test((await exec(HOST, ["systemctl", "is-system-running"])).stdout),
  );

test("the first up succeeds without the host, names it and what to do, and keeps its script secret", async () => {
  const said = await ok(UP);
  expect(said).toMatch(
    /cabin is not enrolled yet: run the script that `bin\/enrol cabin` prints on it as root, then `pulumi up` again/,
  );
  expect(said).toMatch(/cabin\s*: \[secret\]/);
  expect(await rolesOf()).toEqual([]);
  await ok(["preview", "--expect-no-changes"]);
  expect(await traces(HOST)).toBe(before);
});

test("bin/enrol prints the script and nothing else; a host that is none is refused with those that are", async () => {
  const wrong = await enrol("attic");
  expect([wrong.code, wrong.stdout]).toEqual([1, ""]);
  expect(wrong.stderr).toMatch(/no host attic is to be enrolled; there is a script for: cabin/);
  const right = await enrol(HOST);
  expect([right.code, right.stdout.startsWith("#!/bin/sh\n")]).toEqual([0, true]);
  script = right.stdout;
});

test("the script brings the host in, says what it did without a key, and run again changes nothing", async () => {
  const said = await bringIn(script);
  const keys = [...script.matchAll(/"[A-Za-z0-9+/]{43}="/g)].map(([key]) => key.slice(1, -1));
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys) expect(said).not.toContain(key);
  expect(said).toMatch(/^seen: the tunnel to hub stands$/m);
  expect(said).toMatch(/^cabin is enrolled/m);
  expect(await execOk(HOST, ["sh", "-c", "ls -d /run/intranet-enrol.* 2>/dev/null || echo none"])).toBe("none\n");
  const again = await bringIn(script);
  expect(again).not.toMatch(/: set /);
  expect(again.match(/is as it should be/g)).toHaveLength(3);
});

test("the next up goes on through the hub and adopts what the script made; the third has nothing to do", async () => {
  expect(await ok(UP)).toMatch(/cabin \(10\.31\.255\.2:2222 via trial-hub\) was seen/);
  expect(await rolesOf()).toEqual(ROLES);
  const ledger = JSON.parse(await execOk(HOST, ["cat", "/var/lib/intranet/ledger.json"]));
  for (const { paths, id } of Object.values<any>(ledger.roles)) {
    expect(id).not.toBe("enrolment");
    for (const { prior } of Object.values<any>(paths)) expect(prior.kind).toBe("absent");
  }
  expect(ledger.installed).toHaveProperty("wireguard-tools");
  await ok(["preview", "--refresh", "--expect-no-changes"]);
  // The host's own SSH service is the owner's: it shows the key that it had, and knows no operator.
  const own = await execOk(HOST, ["ssh-keyscan", "-t", "ed25519", "127.0.0.1"]);
  expect(own).toContain((await execOk(HOST, ["cut", "-d ", "-f2", "/etc/ssh/ssh_host_ed25519_key.pub"])).trim());
  const ports = await execOk(HOST, ["ss", "-Hltn"]);
  expect(ports.match(/\S+:2222\s/g)!.map((port) => port.trim())).toEqual(["10.31.255.2:2222"]);
});

test("a host that is off keeps its roles; only a change for it fails, with its name and the way out", async () => {
  await labOk(["off", HOST]);
  await ok([...UP, "--expect-no-changes"]);
  expect(await rolesOf()).toEqual(ROLES);
  const failed = await stack(UP, { TRIAL_NOTE: "second" });
  expect(failed.code).not.toBe(0);
  expect(failed.stdout + failed.stderr).toMatch(
    /cabin \(10\.31\.255\.2:2222 via trial-hub\)[^]*Check that cabin .* is up/,
  );
  expect(await rolesOf()).toEqual(ROLES);
  await labOk(["on", HOST]);
  await until("the change arrives", async () => (await stack(UP, { TRIAL_NOTE: "second" })).code === 0, 120);
  expect(await execOk(HOST, ["cat", "/etc/trial-note"])).toBe("second\n");
  await ok([...UP, "--expect-no-changes"], { TRIAL_NOTE: "second" });
});

test("new keys come with the newer script: the up that makes them fails at the host alone, and its script is there", async () => {
  const keys = { TRIAL_NOTE: "second", TRIAL_KEYS: "2" };
  const failed = await stack(UP, keys);
  expect(failed.code).not.toBe(0);
  expect(failed.stdout + failed.stderr).toMatch(
    /cabin \(.*\) (shows another host key|.*did not answer|is unreachable)/,
  );
  const newer = (await enrol(HOST)).stdout;
  expect(newer).not.toBe(script);
  expect(await bringIn(newer)).toMatch(/^tunnel-wg-hub: set .*wg-hub\.conf/m);
  await ok(UP, keys);
  await ok(["preview", "--refresh", "--expect-no-changes"], keys);
});

test("destroy succeeds, and the host ends as it was before the script, even if its power fails right after", async () => {
  const said = await ok(["destroy", "--yes", "--skip-preview"]);
  await labOk(["reset", HOST]);
  expect(said).toMatch(/is removed by the host itself, in 5 s/);
  await settled();
  await until("the host is as before", async () => (await traces(HOST)) === before, 120).catch(() => undefined);
  expect(await traces(HOST)).toBe(before);
  expect((await exec(HOST, ["ls", "/var/lib/intranet"])).code).not.toBe(0);
});
