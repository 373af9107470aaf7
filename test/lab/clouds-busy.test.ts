/**
 * Clouds on a bad day: what clients repeat is repeated, all else is said; nothing is lost or made twice, and the next
 * `up` goes on.
 */
import { join } from "node:path";
import type { Fault } from "../../lab/clouds/faults";
import { clearFaults, fault, faults } from "./faults";
import { ROOT, until } from "./intranet";
import { cloudflare, hetzner } from "./lifted";
import { TrialStack, UP } from "./trial";

jest.setTimeout(600_000);

const trial = new TrialStack("busy", join(ROOT, "test/lab/clouds-program"));
const KINDS = ["servers", "primary_ips", "firewalls", "ssh_keys"];
const URN = "urn:pulumi:busy::clouds-trial::intranet:sinkhole:Sinkhole";

/** What there is of the stack's in both clouds: how many of each kind. */
async function made(): Promise<Record<string, number>> {
  const labels = "?label_selector=intranet%3Dclouds-trial.busy.busy";
  const counts = await Promise.all(
    KINDS.map(async (kind) => [kind, (await hetzner(`/${kind}${labels}`))[kind].length]),
  );
  const zone = (await cloudflare("/zones?name=intranet.example")).result[0].id as string;
  const records = (await cloudflare(`/zones/${zone}/dns_records?per_page=100`)).result as { name: string }[];
  const ours = records.filter(({ name }) => name.endsWith("busy.intranet.example"));
  return { ...Object.fromEntries(counts), records: ours.length };
}
const ALL = { servers: 1, primary_ips: 2, firewalls: 1, ssh_keys: 1, records: 5 };

const post = (path: string, kind: Fault["kind"], times = 1): Fault => ({
  cloud: "hetzner",
  kind,
  method: "POST",
  path: `/v1/${path}`,
  times,
});
const server = async () => (await hetzner("/servers?name=busy")).servers[0] as { id: number; status: string };

/**
 * An `up` that must fail while these faults are in force, each of which it must meet as often as ordered. Returns what
 * it said.
 */
async function failing(impatient: boolean, ...ordered: Fault[]): Promise<string> {
  await fault(...ordered);
  const env = impatient ? { TRIAL_IMPATIENT: "1" } : {};
  const result = await trial.stack(UP, {}, { env });
  const unmet = (await faults()).filter(({ met, times = 1 }) => met !== times);
  await clearFaults();
  expect(unmet).toEqual([]);
  if (result.code === 0) throw new Error(`this up was to fail:\n${result.stdout}`);
  return result.stdout + result.stderr;
}

beforeAll(trial.init);
afterAll(async () => {
  await clearFaults();
  await trial.remove();
});

test("a server type that the cloud has not is an error in the preview, with those that it has", async () => {
  const preview = (type: string) => trial.stack(["preview"], {}, { env: { TRIAL_TYPE: type } });
  const { code, stdout, stderr } = await preview("cx999");
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(
    /serverType: Hetzner has no such server type \("cx999"\)[^]*known are: ccx13, cpx22, .*cx23/,
  );
  expect((await preview("cx33")).code).toBe(0);
  expect(await made()).toEqual({ servers: 0, primary_ips: 0, firewalls: 0, ssh_keys: 0, records: 0 });
});

test("too many requests, conflicts, gateways without an answer: repeated unseen, and nothing is made twice", async () => {
  const names = (kind: Fault["kind"]): Fault => ({
    cloud: "cloudflare",
    kind,
    method: "POST",
    path: "/client/v4/zones/*",
  });
  const said = await failing(
    false,
    post("primary_ips", "rate-limit", 2),
    post("firewalls", "502"),
    post("ssh_keys", "conflict"),
    { cloud: "hetzner", kind: "504", method: "GET", path: "/v1/server_types" },
    ...(["rate-limit", "500", "502", "503", "reset"] as const).map(names),
    // What is said at last is about the server alone.
    post("servers", "resource-unavailable"),
  );
  expect(said).toMatch(/busy-server\):\n.*no such server is to be had now \(resource_unavailable\)/);
  expect(said.match(/\*\* *creating failed|\*\*creating failed/g)).toHaveLength(2); // the server, and with it the stack
  expect(await made()).toEqual({ ...ALL, servers: 0 });
});

test.each<[Fault["kind"], RegExp]>([
  ["500", /an internal error has occurred \(server_error\)/],
  ["503", /server responded with status code 503/],
  ["locked", /server is locked by a running action \(locked\)/],
  ["reset", /connection reset by peer/],
  ["hang", /context deadline exceeded/],
])("%s, which no client repeats: said, nothing else is touched", async (kind, says) => {
  const said = await failing(true, post("servers", kind));
  expect(said).toMatch(/hcloud:index:Server \(busy-server\):/);
  expect(said).toMatch(says);
  expect(await made()).toEqual({ ...ALL, servers: 0 });
});

test("an answer is lost after the work was done: the next up names what is there already; import takes it over", async () => {
  await trial.ok(["destroy", "--yes", "--skip-preview"], {});
  expect(await failing(false, post("primary_ips", "lost"))).toMatch(/EOF/);
  const said = await failing(false);
  const [, name] = /primary IP name '(busy-ipv[46])' is already used \(uniqueness_error\)/.exec(said)!;
  // As docs/operations.md says.
  const { id } = (await hetzner(`/primary_ips?name=${name}`)).primary_ips[0];
  const what = ["hcloud:index/primaryIp:PrimaryIp", name!, String(id), "--parent", `sinkhole=${URN}::busy`];
  const flags = ["--protect=false", "--generate-code=false", "--yes", "--skip-preview"];
  await trial.ok(["import", ...what, ...flags], {});
  await failing(false, post("servers", "resource-unavailable"));
  expect(await made()).toEqual({ ...ALL, servers: 0 });
  expect((await hetzner(`/primary_ips?name=${name}`)).primary_ips[0].id).toBe(id);
});

test("a server that never starts: given up in time, not lost and not ordered again; once it starts, up goes on", async () => {
  const stuck: Fault = { cloud: "hetzner", kind: "stuck", path: "start_server" };
  await fault(stuck);
  const waited = await trial.failing({}, { env: { TRIAL_IMPATIENT: "1" } });
  expect(waited).toMatch(/busy-server\):[^]*context deadline exceeded: remaining running actions/);
  const { id, status } = await server();
  expect(status).not.toBe("running");
  const again = await trial.failing({}, { env: { TRIAL_IMPATIENT: "1" } });
  expect(again).toMatch(/command:remote:Command \(busy-first-boot\):\n.*cannot be reached/);
  expect((await server()).id).toBe(id);
  await clearFaults();
  await until("the server runs", async () => (await server()).status === "running");
  await trial.ok(UP, {});
  expect((await server()).id).toBe(id);
  expect(await made()).toEqual(ALL);
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], {});
});

test("destroy meets the same: what is repeated is, what is not is said, and the next one ends it", async () => {
  const gone = (path: string, kind: Fault["kind"]): Fault => ({ cloud: "hetzner", kind, method: "DELETE", path });
  await fault(gone("/v1/servers/*", "conflict"), gone("/v1/firewalls/*", "500"));
  const result = await trial.stack(["destroy", "--yes", "--skip-preview"], {});
  expect(result.code).not.toBe(0);
  expect(result.stdout + result.stderr).toMatch(/busy-firewall\):\n.*an internal error has occurred/);
  expect((await faults()).map(({ met }) => met)).toEqual([1, 1]);
  await clearFaults();
  await trial.ok(["destroy", "--yes", "--skip-preview"], {});
  expect(await made()).toEqual({ servers: 0, primary_ips: 0, firewalls: 0, ssh_keys: 0, records: 0 });
});
