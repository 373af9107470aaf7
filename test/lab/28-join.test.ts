/** A site joins, is off for a while and leaves; a device is taken out. Nobody else notices. */
import { execFile } from "node:child_process";
import * as path from "node:path";
import { promisify } from "node:util";
import { ATTIC } from "../../lab/constants";
import { checksums, traces } from "./traces";
import { tunnel } from "./devices";
import {
  capture,
  changedConfig,
  enrol,
  ensureUp,
  identity,
  join,
  outputs,
  pendingHosts,
  plan,
  pulumi,
  pulumiOk,
  ROOT,
  up,
  until,
} from "./intranet";
import { pieces, stackSecrets } from "./secrets";
import { conversation, type Talk } from "./session";
import { exec, execOk, lab, probe, run } from "./support";
import { pingEach, withRule } from "./traffic";

/** Hosts that are no neighbours of the attic: it has a tunnel to the VPS alone. */
const OTHERS = ["home", "cabin", "office"];
/** Those of them with a tunnel to each other: each has two ways to every host, and knows whose each prefix is. */
const RING = ["cabin", "office"];
const OWNERS = ["/etc/bird/bird.conf", "/etc/intranet/ospf-owners.json"];
/** The files that differ, but for what the host notes of every change that it was asked for. */
const pathsOf = (differences: readonly string[]): string[] =>
  differences.map((line) => line.split(":")[0]!).filter((path) => !path.startsWith("/var/lib/intranet/outcomes/"));
const HOST_ROLE = "pulumi-nodejs:dynamic/intranet/host:HostRole";

const withAttic = (network: any): void => {
  network.sites.attic = {
    host: { address: "10.50.0.10", enrol: true },
    lan: ["10.50.0.0/24"],
    router: "host-only",
  };
};
const attic = changedConfig(withAttic);
const identities = (hosts: string[]): string[] => hosts.flatMap((host) => Object.values(identity(host)));

/** What a preview would touch: hosts by name, of roles on them; everything else by its resource's name. */
async function touched(config: string[]): Promise<{ hosts: string[]; others: string[] }> {
  const planned = plan(config);
  const { sinkhole } = await outputs();
  const hostAt = new Map([[sinkhole.ipv4 as string, planned.hub]]);
  for (const [site, { hostAddress }] of Object.entries(planned.sites)) {
    hostAt.set(hostAddress, site);
    hostAt.set(planned.hosts[site]!.identity.v4, site);
  }
  const { steps } = JSON.parse(await pulumiOk(["preview", "--json", ...config]));
  const changes = (steps as any[]).filter(({ op }) => op !== "same" && op !== "read");
  const [hosts, others] = [new Set<string>(), new Set<string>()];
  for (const { urn, newState, oldState } of changes) {
    const [, , type, name] = String(urn).split("::");
    const { connection } = (newState ?? oldState).inputs ?? {};
    if (type!.split("$").pop() === HOST_ROLE) hosts.add(hostAt.get(connection.address) ?? connection.address);
    else others.add(name!);
  }
  return { hosts: [...hosts].sort(), others: [...others].sort() };
}

let before: Record<string, string>[];
let consoleBefore: string;
let configuration: string;
let endTalk: () => Promise<Talk>;

beforeAll(async () => {
  await ensureUp();
  const { devices } = await outputs();
  configuration = devices.laptop.configuration;
  await tunnel("laptop", "up", configuration);
  await tunnel("phone", "up", devices.phone.configuration);
  for (const device of ["laptop", "phone"])
    await until(`${device} reaches home`, async () => home in (await pingEach(device, [home])));
  [consoleBefore, ...before] = await Promise.all([traces("attic"), ...OTHERS.map(checksums)]);
  // The laptop's session lasts through all that follows.
  endTalk = await conversation("laptop", "home", home);
}, 600_000);
afterAll(async () => {
  await ensureUp();
  await tunnel("laptop", "down");
  await tunnel("phone", "down");
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 300_000);

const home = identity("home").v4;

describe("bin/enrol", () => {
  test("explains itself", async () => {
    const { stdout } = await promisify(execFile)(path.join(ROOT, "bin/enrol"), ["--help"]);
    expect(stdout).toMatch(/usage: bin\/enrol HOST/);
    expect(stdout).toMatch(/--stack/);
  });

  test.each<[string, string[], RegExp]>([
    ["no host", [], /usage/],
    ["two hosts", ["cabin", "office", "--stack", "lab"], /one host at a time.*cabin.*office/],
    ["an unknown option", ["cabin", "--force"], /unknown option --force/],
    ["an option without its value", ["cabin", "--stack"], /--stack needs a value/],
    ["a host that nobody described", ["barn", "--stack", "lab"], /barn.*cabin/],
    ["a host that is reached without a script", ["home", "--stack", "lab"], /home.*cabin/],
    ["a stack that is not there", ["cabin", "--stack", "nowhere"], /nowhere/],
  ])("%s: an error that says what there is, and no script", async (_name, args, says) => {
    const { code, stdout, stderr } = await enrol(...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(says);
    expect(stdout).toBe("");
  });
});

describe("the attic joins", () => {
  test("the preview touches the VPS and who has another way there, and makes what is the attic's", async () => {
    const { hosts, others } = await touched(attic);
    expect(hosts).toEqual([...RING, "vps"]);
    // Beside it: keys and components with the attic's name, and the cloud's firewall, which lets its tunnel in.
    expect(others.filter((name) => !/attic/.test(name))).toEqual(["intranet-sinkhole-firewall"]);
  });

  test("the first `up` ends with success, and names it as one that is still to come", async () => {
    const said = await up(attic);
    expect(said).toMatch(/attic is not enrolled yet.*bin\/enrol attic/);
    expect(await pendingHosts()).toEqual(["attic"]);
    expect(await traces("attic")).toBe(consoleBefore);
  }, 200_000);

  test("the script joins it, shows no key to anybody, and changes nothing when it is run again", async () => {
    const script = (await enrol("attic", "--stack", "lab")).stdout;
    const keys = pieces([{ urn: "script", text: script }]);
    const secrets = pieces(await stackSecrets()).filter((secret) => keys.includes(secret));
    // The tunnel's private key, and two lines and more of the SSH host key.
    expect(secrets.length).toBeGreaterThanOrEqual(3);
    let going = true;
    let processes = "";
    const sampling = (async () => {
      while (going) {
        processes += (await exec("attic", ["ps", "-eww", "-o", "args"])).stdout;
        processes += (await run(["ps", "-eww", "-o", "args"])).stdout;
      }
    })();
    let said = await join("attic").finally(() => (going = false));
    await sampling;
    expect(said).toMatch(/attic is enrolled/);
    const joined = await traces("attic");
    const again = await join("attic");
    expect(await traces("attic")).toBe(joined);
    expect(again).not.toMatch(/: set /);
    said += again;
    const logs = (await exec("attic", ["journalctl", "--no-pager", "-o", "cat"])).stdout;
    const histories = (await exec("attic", ["sh", "-c", "cat /root/.*_history 2>/dev/null; ls /run /tmp"])).stdout;
    for (const [where, text] of Object.entries({ said, processes, logs, histories })) {
      const leaked = secrets.filter((secret) => text.includes(secret)).length;
      expect({ where, seen: text.length > 0, leaked }).toEqual({ where, seen: true, leaked: 0 });
    }
    expect(histories).not.toMatch(/intranet-enrol/);
  }, 300_000);

  test("the next `up` goes on, and touches the VPS and the attic alone", async () => {
    expect((await touched(attic)).hosts.filter((host) => host !== "attic" && host !== "vps")).toEqual([]);
    await up(attic);
    expect(await pendingHosts()).toEqual([]);
    await pulumiOk(["preview", "--expect-no-changes", ...attic]);
    const { steps } = JSON.parse(await pulumiOk(["preview", "--json", "--show-sames", ...attic]));
    const roles = (steps as any[]).filter(({ urn }) => urn.includes(HOST_ROLE) && urn.includes("attic"));
    expect(roles.length).toBeGreaterThanOrEqual(4);
  }, 300_000);

  test("it reaches every host and every host reaches it, over both families", async () => {
    const { v4, v6 } = plan(attic).hosts["attic"]!.identity;
    const all = ["vps", ...OTHERS];
    await until("the attic reaches all", async () => {
      const answered = await pingEach("attic", identities(all));
      return identities(all).every((address) => address in answered);
    });
    for (const host of all)
      await until(`${host} reaches the attic`, async () => {
        const answered = await pingEach(host, [v4, v6]);
        return v4 in answered && v6 in answered;
      });
  }, 120_000);

  test("the laptop's configuration of before reaches it", async () => {
    const { v4, v6 } = plan(attic).hosts["attic"]!.identity;
    // Nobody has touched the laptop since, nor given it another configuration.
    const answered = await pingEach("laptop", [v4, v6]);
    expect(Object.keys(answered).sort()).toEqual([v4, v6].sort());
    expect((await outputs())["devices"].laptop.configuration).toBe(configuration);
  });

  test("host-only: of its LAN there is the host, and nobody else comes in or out by it", async () => {
    const { hostAddress } = plan(attic).sites["attic"]!;
    const tunnelName = plan(attic).links.find(({ b }) => b.host === "attic")!.b.interface;
    // The LAN's router stands for a device on it, with a route through the host that somebody has entered.
    const device = ATTIC.lan.ipv4Gateway;
    const outOfTheLan = () => probe(ATTIC.router, home, { timeout: 1 });
    await execOk(ATTIC.router, ["ip", "route", "replace", plan().space.v4, "via", hostAddress]);
    const forwards = (await execOk("attic", ["sysctl", "-n", "net.ipv4.ip_forward"])).trim();
    try {
      expect(Object.keys(await pingEach("laptop", [hostAddress, device], 1))).toEqual([hostAddress]);
      expect(await capture("attic", tunnelName, [`host ${device}`], outOfTheLan)).toEqual([]);
      // Positive control: a host that forwards lets the same packets into its tunnel.
      await execOk("attic", ["sysctl", "-w", "net.ipv4.ip_forward=1"]);
      await withRule("attic", "inet intranet tunnels", "accept", async () => {
        expect((await capture("attic", tunnelName, [`host ${device}`], outOfTheLan)).length).toBeGreaterThan(0);
      });
      expect(await capture("attic", tunnelName, [`host ${device}`], outOfTheLan)).toEqual([]);
    } finally {
      await exec("attic", ["sysctl", "-w", `net.ipv4.ip_forward=${forwards}`]);
      await exec(ATTIC.router, ["ip", "route", "del", plan().space.v4]);
    }
  }, 60_000);

  test("on home not a file has changed, and on cabin and office whose the attic's addresses are", async () => {
    const after = await Promise.all(OTHERS.map(checksums));
    const changed = OTHERS.map((host, index) => [host, pathsOf(changes(before[index]!, after[index]!))]);
    expect(changed).toEqual(OTHERS.map((host) => [host, RING.includes(host) ? OWNERS : []]));
    // The comparison sees a file that comes, and one that changes its mode.
    await exec("home", ["sh", "-c", "touch /etc/intranet-seen; chmod 0600 /etc/hostname"]);
    try {
      const seen = pathsOf(changes(before[0]!, await checksums("home")));
      expect(seen.sort()).toEqual(["/etc/hostname", "/etc/intranet-seen"]);
    } finally {
      await exec("home", ["sh", "-c", "rm /etc/intranet-seen; chmod 0644 /etc/hostname"]);
    }
  });

  test("while it is off an `up` without changes is empty, and its roles stay; then it is back by itself", async () => {
    const roles = async () =>
      JSON.parse(await pulumiOk(["stack", "export"]))
        .deployment.resources.map(({ urn }: { urn: string }) => urn)
        .filter((urn: string) => urn.includes("attic"))
        .sort();
    const had = await roles();
    await lab(["off", "attic"]);
    try {
      await up([...attic, "--expect-no-changes"]);
      expect(await pendingHosts()).toEqual([]);
      expect(await roles()).toEqual(had);
    } finally {
      await lab(["on", "attic"]);
    }
    const { v4 } = plan(attic).hosts["attic"]!.identity;
    await until("the laptop reaches the attic again", async () => v4 in (await pingEach("laptop", [v4])));
  }, 200_000);
});

describe("one `up` takes out the attic and a phone that was lost", () => {
  let phone: { configuration: string };
  beforeAll(async () => {
    phone = (await outputs())["devices"].phone;
    await up(changedConfig((network) => delete network.devices.phone));
  }, 300_000);

  test("the attic's console is as it was before it joined", async () => {
    await until(
      "nothing of the stack is left on the attic",
      async () => (await traces("attic")) === consoleBefore,
    ).catch(() => undefined);
    expect(await traces("attic")).toBe(consoleBefore);
  }, 120_000);

  test("the others are untouched still", async () => {
    const after = await Promise.all(OTHERS.map(checksums));
    OTHERS.forEach((host, index) =>
      expect([host, pathsOf(changes(before[index]!, after[index]!))]).toEqual([host, []]),
    );
  });

  test("the phone is out", async () => {
    expect(await pingEach("phone", [home, identity("vps").v4])).toEqual({});
    const peers = (await exec("vps", ["wg", "show", "wg-devices", "allowed-ips"])).stdout;
    expect(peers).not.toContain(`${plan().devices["phone"]!.v4}/32`);
    expect(peers).toContain(`${plan().devices["laptop"]!.v4}/32`);
  });

  test("the laptop's session, begun before all this, never broke", async () => {
    const { answers, longest } = await endTalk();
    expect(answers).toBeGreaterThan(300);
    expect(longest).toBeLessThan(5);
    const sealed = await exec("laptop", ["wg", "show", "intranet", "latest-handshakes"]);
    expect(sealed.stdout).toMatch(/\t\d{9,}/);
  });

  test("a phone of the same name gets a new key; the lost one stays out", async () => {
    await up();
    const { devices } = await outputs();
    expect(devices.phone.configuration).not.toBe(phone.configuration);
    await tunnel("phone", "up", phone.configuration);
    expect(await pingEach("phone", [home])).toEqual({});
    await tunnel("phone", "up", devices.phone.configuration);
    await until("the new phone reaches home", async () => home in (await pingEach("phone", [home])));
  }, 200_000);
});

/** The paths that differ, with both sides. */
function changes(old: Record<string, string>, now: Record<string, string>): string[] {
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((name) => old[name] !== now[name])
    .map((name) => `${name}: ${old[name] ?? "absent"} -> ${now[name] ?? "absent"}`);
}

test("the stack is as the configuration says", async () => {
  expect((await pulumi(["preview", "--expect-no-changes"])).code).toBe(0);
});
