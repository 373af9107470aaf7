/** The benchmark's own arithmetic: what it counts, compares and prints. */
import { missingOn } from "../../bench/fleet";
import { wireOf } from "../../bench/measure";
import { ansibleFiles, pyinfraFiles } from "../../bench/peers";
import { planConfig } from "../../bench/plan-spec";
import { type Measurement, median, perHost, picture, ratio, tables } from "../../bench/report";
import { CHANGED_FILE, desired, PACKAGES, servicesOf, withVersion } from "../../bench/workload";
import { planIntranet, type IntranetSpec } from "../../../model";

const HOSTS = ["one", "two"].map((name, index) => ({
  name,
  ipv4: `198.51.100.${90 + index}`,
  hostKey: "ssh-ed25519 A",
}));
const SAME = "no change";
const measured = (hosts: number, tool: Measurement["tool"], ...seconds: number[]): Measurement => ({
  hosts,
  scenario: SAME,
  tool,
  seconds,
});

test("medians, ratios to the faster peer, and the cost of a further host", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  expect(() => median([])).toThrow(RangeError);
  const measurements = [
    measured(3, "ours", 2, 2, 9),
    measured(3, "ansible", 12),
    measured(3, "pyinfra", 5, 4),
    measured(13, "ours", 3),
    measured(13, "ansible", 30),
  ];
  expect(ratio(measurements, 3, SAME, "ours")).toBe(2.25);
  expect(ratio(measurements, 13, SAME, "ours")).toBe(10);
  expect(ratio(measurements, 25, SAME, "ours")).toBeUndefined();
  expect(ratio([measured(3, "ours", 1)], 3, SAME, "ours")).toBeUndefined();
  expect(perHost(measurements, SAME, "ours")).toBeCloseTo(0.1);
  expect(perHost(measurements, SAME, "pyinfra")).toBeUndefined();
  const results = { when: "", machine: "", rounds: 1, whole: false, measurements };
  expect(tables(results)).toMatch(/\| 3 +\| pulumi up --refresh +\| 2\.00 +\| 2\.0 to 9\.0 +\| 2\.25 times as fast/);
  expect(tables(results)).toMatch(/each further host, in ms[^]*\| no change +\| 100 +\| 1800 +\| +\|/);
  expect(picture(results)).toMatch(/^<svg [^]*13 hosts[^]*<\/svg>\n$/);
});

test("round trips: data of the client after data of the host, and one for each connection", () => {
  const packet = (from: string, to: string, flags: string, length: number) =>
    `1.5 eth0  Out IP ${from} > ${to}: Flags [${flags}], seq 1, ack 1, win 1, options [nop], length ${length}`;
  const [client, host] = ["10.20.0.5.4000", "198.51.100.90.22"];
  const lines = [
    packet(client, host, "S", 0),
    packet(host, client, "S.", 0),
    packet(client, host, "P.", 30),
    packet(host, client, "P.", 30), // the greetings cross: no round trip yet
    packet(client, host, ".", 0),
    packet(client, host, "P.", 100),
    packet(client, host, "P.", 100),
    packet(host, client, "P.", 100),
    packet(client, host, "P.", 100),
    packet("10.20.0.5.4001", host, "S", 0),
    "nothing that is a packet",
  ];
  expect([...wireOf(lines)]).toEqual([["198.51.100.90", { connections: 2, roundTrips: 4 }]]);
});

test("a host that misses anything of what is desired is told from one that is right", () => {
  const wanted = withVersion(desired(HOSTS, 1), "two", 7);
  const digest = (text: string) => String(text.length);
  const files = servicesOf("two", 7).flatMap((service) => service.files);
  const right = [
    ...files.map(({ path, content }) => `${path} 644 root root ${content.length}`),
    ...servicesOf("two", 7).map(({ unit }) => `${unit} active enabled current`),
    ...PACKAGES.map((name) => `${name} installed`),
  ];
  expect(missingOn(right.join("\n"), wanted, "two", digest)).toEqual([]);
  for (let index = 0; index < right.length; index += 1)
    expect(missingOn(right.toSpliced(index, 1).join("\n"), wanted, "two", digest)).toEqual([right[index]]);
});

test("one line differs between versions, and every tool is told the same contents", () => {
  const all = (version: number) => servicesOf("one", version).flatMap(({ files }) => files);
  expect(all(1)).toHaveLength(12);
  const changed = all(1).filter(({ content }, index) => content !== all(2)[index]!.content);
  expect(changed.map(({ path }) => path)).toEqual([CHANGED_FILE]);
  const [before, after] = [1, 2].map((version) => all(version).find(({ path }) => path === CHANGED_FILE)!.content);
  const lines = before!.split("\n").filter((line, index) => line !== after!.split("\n")[index]);
  expect(lines).toEqual(["version = 1"]);
  const ansible = JSON.parse(ansibleFiles(desired(HOSTS, 1), "/k", "/s")["inventory.yaml"]!).all.hosts.one;
  const pyinfra = JSON.parse(pyinfraFiles(desired(HOSTS, 1), "/k")["hosts.json"]!).hosts[0][1];
  expect(ansible.files).toEqual(all(1));
  expect(pyinfra.services.flatMap((service: { files: object }) => service.files)).toEqual(all(1));
});

test("the large plan is one that the model takes", () => {
  const own = Object.entries(planConfig(100)).map(([key, value]) => [key.replace("intranet:", ""), value]);
  const { sshPublicKeys: _keys, protect: _protect, ...spec } = Object.fromEntries(own);
  expect(planIntranet("intranet", spec as unknown as IntranetSpec).links).toHaveLength(100 + (30 * 29) / 2);
});
