/**
 * Links get new keys and OSPF new secrets, while pings and an https client go on: nothing is lost, whatever becomes of
 * the `up`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEY_FILE } from "../../components/internal-dns/render";
import { BIRD_CONFIG } from "../../components/ospf/render";
import { FIXED_HOSTS } from "../../lab/constants";
import { giveRoot, ROOT_FILE } from "./certificates";
import { digShort, tunnel } from "./devices";
import { changedConfig, ensureUp, identity, outputs, plan, pulumi, pulumiOk, up, until } from "./intranet";
import { exec, execOk, run } from "./support";
import { watchHttps, watchPing, type Watched } from "./watch";

const SITES = ["home", "cabin", "office"];
const HOSTS = ["vps", ...SITES];
const camera = FIXED_HOSTS.find(({ name }) => name === "camera")!.ipv4;

/** The key of zone transfers as it was at first, kept on the secondary. */
const FIRST_KEY = "/run/transfer-key-before";

/** The name that comes with a version of the keys, for the name servers to tell each other. */
const newest = (version: number) => `version-${version}`;

/**
 * The configuration with these versions of the keys: of all links to the hub and of zone transfers, and of the link
 * between sites, with what else differs there.
 */
function versions(toHub: number, between: number, change: (link: any) => void = () => undefined): string[] {
  return changedConfig((network) => {
    for (const from of SITES) {
      let link = network.links.find((one: any) => one.from === from && one.to === "vps");
      if (!link) network.links.push((link = { from, to: "vps" }));
      link.keyVersion = toHub;
    }
    network.dns.keyVersion = toHub;
    network.dns.extraRecords = [
      ...(network.dns.extraRecords ?? []),
      { name: newest(toHub), type: "A", data: "10.20.0.9" },
    ];
    const link = network.links.find(({ endpoint }: any) => endpoint);
    link.keyVersion = between;
    change(link);
  });
}

/** The public keys by which a host's tunnels to other hosts are known, by interface. */
async function tunnels(host: string): Promise<Record<string, string>> {
  const shown = await execOk(host, ["wg", "show", "all", "public-key"]);
  const lines = shown
    .trim()
    .split("\n")
    .map((line) => line.split("\t") as [string, string]);
  return Object.fromEntries(lines.filter(([name]) => name !== plan().deviceHub.interface));
}
const everyTunnel = () => Promise.all(HOSTS.map(tunnels));
const declared = (config: string[]) =>
  HOSTS.map((host) =>
    plan(config)
      .ospf[host]!.interfaces.map(({ interface: name }) => name)
      .sort(),
  );

let watches: (() => Promise<Watched>)[];
async function watchAll(): Promise<void> {
  const { certificateAuthority } = await outputs();
  await giveRoot("laptop", certificateAuthority.rootCertificate);
  watches = await Promise.all([
    watchPing("cabin", identity("home").v4),
    watchPing("cabin", identity("home").v6),
    watchPing("office", identity("cabin").v4),
    watchPing("home", identity("office").v4),
    watchPing("vps", identity("office").v6),
    watchPing("laptop", camera),
    watchHttps("laptop", "https://nextcloud.intranet.example/", ROOT_FILE),
  ]);
}
/** Ends all of them, and expects that nothing was lost. */
async function nothingWasLost(): Promise<void> {
  const seen = await Promise.all(watches.splice(0).map((end) => end()));
  expect(seen.flatMap(({ lost }) => lost)).toEqual([]);
  for (const { answers } of seen) expect(answers).toBeGreaterThan(20);
}

beforeAll(async () => {
  await ensureUp();
  await tunnel("laptop", "up");
  await execOk(plan().dns!.servers[1]!, ["cp", KEY_FILE, FIRST_KEY]);
  watches = [];
}, 600_000);
afterEach(async () => {
  await Promise.all(watches.splice(0).map((end) => end()));
}, 60_000);
afterAll(async () => {
  // Its second tunnel takes over from the one whose keys changed in place, and gives back to the first one's.
  await up(versions(1, 2));
  await up();
  await tunnel("laptop", "down");
  await execOk(plan().dns!.servers[1]!, ["rm", "-f", FIRST_KEY]);
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 900_000);

test("one `up` gives every link new keys and another secret, and takes the old tunnels away", async () => {
  const before = await everyTunnel();
  await watchAll();
  await up(versions(2, 2));
  await nothingWasLost();
  const after = await everyTunnel();
  expect(after.map((found) => Object.keys(found).sort())).toEqual(declared(versions(2, 2)));
  const old = before.flatMap((found) => Object.values(found));
  const known = await Promise.all(HOSTS.map((host) => execOk(host, ["wg", "show", "all", "peers"])));
  for (const key of old)
    expect([...after.flatMap((found) => Object.values(found)), ...known].join()).not.toContain(key);
  expect((await pulumi(["preview", "--expect-no-changes", "--refresh", ...versions(2, 2)])).code).toBe(0);
}, 900_000);

test("the name servers transfer their zones with the new key, and refuse the one before", async () => {
  const { domain, dns } = plan();
  const [primary, secondary] = dns!.servers as [string, string];
  for (const server of [primary, secondary]) {
    const question = [`@${identity(server).v4}`, `${newest(2)}.${domain}`, "A"];
    await until(
      `${server} knows the zone of today`,
      async () => (await digShort("laptop", question))[0] === "10.20.0.9",
    );
  }
  const transfer = async (file: string) =>
    (await exec(secondary, ["dig", "+time=3", "+tries=1", `@${identity(primary).v4}`, "-k", file, domain, "AXFR"]))
      .stdout;
  expect(await transfer(KEY_FILE)).toMatch(/^;; XFR size: \d+ records/m);
  expect(await execOk(secondary, ["cat", KEY_FILE])).not.toBe(await execOk(secondary, ["cat", FIRST_KEY]));
  const refused = await transfer(FIRST_KEY);
  expect(refused).toMatch(/BADSIG|Transfer failed/);
  expect(refused).not.toContain(newest(2));
}, 120_000);

test("versions are not to be skipped: it is said before anything is changed, and how it is done", async () => {
  const { code, stdout, stderr } = await pulumi(["preview", ...versions(4, 4)]);
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(/link \w+-\w+: the keys of a tunnel that is in use do not change/);
  expect(stdout + stderr).toMatch(/Raise keyVersion by one at a time/);
}, 120_000);

// Ends the program, which gets no chance to do anything more, as soon as the file is there. What it started may live a
// while longer.
const KILLED =
  '"$@" >/dev/null 2>&1 & pid=$!; until [ -e "$0" ]; do kill -0 "$pid" || exit 99; sleep 0.1; done; kill -KILL "$pid"; wait "$pid"';

test("killed when the new tunnel stands and the old one still carries everything: the next `up` goes on, back to the first version", async () => {
  const folder = mkdtempSync(join(tmpdir(), "intranet-kill-"));
  await watchAll();
  const next = versions(1, 1);
  const command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", "lab", "--non-interactive", ...next];
  const killed = run(["sh", "-c", KILLED, join(folder, "now"), ...command], { timeoutSeconds: 400 });
  const second = async () => "wg-vps" in (await tunnels("cabin"));
  await Promise.race([killed, until("cabin has the new tunnel", second, 300)]);
  writeFileSync(join(folder, "now"), "");
  expect((await killed).code).toBe(128 + 9);
  rmSync(folder, { recursive: true });
  expect(Object.keys(await tunnels("cabin"))).toEqual(expect.arrayContaining(["wg-vps", "wg-vps-b"]));
  await pulumi(["cancel", "--yes"]);
  await up(next);
  await nothingWasLost();
  expect((await everyTunnel()).map((found) => Object.keys(found).sort())).toEqual(declared(next));
  // Pulumi remembers what was interrupted until it is told that somebody has looked.
  await pulumiOk(["refresh", "--yes", "--skip-preview", "--clear-pending-creates", ...next]);
  expect(await pulumiOk(["stack", "export"])).not.toContain("pending_operations");
}, 900_000);

describe("a link with one port", () => {
  const single = (keyVersion: number, drained: boolean) =>
    versions(1, keyVersion, (link) => {
      delete link.endpoint.sparePort;
      if (drained) link.drained = true;
    });
  const said = async (config: string[]) => {
    const { code, stdout, stderr } = await pulumi(["preview", ...config]);
    expect(code).toBe(0);
    return stdout + stderr;
  };

  test("is said to be down for a moment; drained before, it loses nothing, and each update says where one is", async () => {
    expect(await said(single(2, false))).toMatch(/office-cabin: .* its keys change in place .* down for some seconds/);
    await watchAll();
    const first = await up(single(1, true));
    expect(first).toMatch(/office-cabin is drained/);
    expect(first).not.toMatch(/change in place|step 2/);
    // Nothing of the space is in it any more, but for what routers say to each other.
    const way = await execOk("cabin", ["ip", "route", "get", identity("office").v4]);
    expect(way).toMatch(/ dev wg-vps /);
    const before = (await tunnels("cabin"))["wg-office"];
    expect(await said(single(2, true))).toMatch(/office-cabin: step 2 of 3/);
    await up(single(2, true));
    expect((await tunnels("cabin"))["wg-office"]).not.toBe(before);
    await up(single(2, false));
    await until("it is used again", async () =>
      / dev wg-office /.test(await execOk("cabin", ["ip", "route", "get", identity("office").v4])),
    );
    await nothingWasLost();
  }, 900_000);
});

test("who still has the secret before is no neighbour any more", async () => {
  const own = await execOk("cabin", ["cat", BIRD_CONFIG]);
  const [used, spare] = ["wg-vps", "wg-vps-b"].map(
    (name) => new RegExp(`interface "${name}" [^}]*?password "([^"]*)"`).exec(own)![1]!,
  );
  expect(used).not.toBe(spare);
  const speak = async (text: string) => {
    const written = await exec("cabin", ["sh", "-c", 'cat > "$1" && birdc configure', "sh", BIRD_CONFIG], {
      stdin: text,
    });
    expect(written.stdout).toMatch(/Reconfigured/);
  };
  const isNeighbour = async () => {
    const both = ["ospf4", "ospf6"].map((protocol) =>
      execOk("vps", ["birdc", "-r", "show", "ospf", "neighbors", protocol]),
    );
    const shown = (await Promise.all(both)).join("");
    return shown.split("\n").filter((line) => /Full\/\S+\s+\S+\s+wg-cabin\s/.test(line)).length;
  };
  expect(await isNeighbour()).toBe(2);
  await speak(own.replaceAll(`"${used!}"`, `"${spare!}"`));
  try {
    await until("vps does not hear cabin any more", async () => (await isNeighbour()) === 0);
  } finally {
    await speak(own);
  }
  await until("vps hears cabin again", async () => (await isNeighbour()) === 2);
}, 200_000);
