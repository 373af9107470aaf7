import * as pulumi from "@pulumi/pulumi";
import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { OspfArgs } from "../../../components/ospf/args";
import { checkedSecret } from "../../../components/ospf/check";
import { KEEP_WAYS, RELEASE_WAYS } from "../../../components/ospf/local-delay";
import { ASK_NEIGHBOURS, LIVE_STATE, NOTE_NEIGHBOURS } from "../../../components/ospf/probes";
import * as render from "../../../components/ospf/render";
import { ospfRole } from "../../../components/ospf/roles";
import { checkBird, checkShell, checkUnit, testWith, withFiles } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const secret = Buffer.alloc(32, 3).toString("base64");
const args = (host: string): OspfArgs => ({
  connection: { address: "unused", hostKeys: [] },
  routerId: PLAN.hosts[host]!.identity.v4,
  identity: PLAN.hosts[host]!.identity,
  space: PLAN.space,
  announce: [...PLAN.ospf[host]!.announce],
  interfaces: PLAN.ospf[host]!.interfaces.map(({ interface: name, area, cost, neighbour }) => ({
    interface: name,
    area,
    cost,
    neighbour,
    secret,
  })),
});
const config = (given: OspfArgs): string => {
  const { content } = ospfRole(given).files![render.BIRD_CONFIG]!;
  if (typeof content !== "string") throw new Error("BIRD's configuration must be plain text");
  return content;
};
const cabin = args("cabin");
const office = { ...cabin.interfaces[0]!, interface: "wg-office", neighbour: "office", cost: 100 };
const network = "2001:db8:100:1::/64";
const addresses = { wiki: "2001:db8:100:1:2::5", "mail-in": "2001:db8:100:1:2::9" };
const pinned = [{ table: 65541, address: addresses.wiki }];
const CASES: Record<string, OspfArgs> = {
  hub: args("vps"),
  site: cabin,
  areas: { ...cabin, interfaces: [...cabin.interfaces, { ...office, area: 7 }] },
  rotating: {
    ...cabin,
    interfaces: cabin.interfaces.map((entry) => ({ ...entry, spare: { interface: `${entry.interface}-b`, secret } })),
  },
  "other-area": { ...cabin, bfd: { multiplier: 3 }, interfaces: [{ ...office, area: 7 }] },
  "without-bfd": { ...cabin, bfd: false },
  "public-hub": { ...args("vps"), public: { network, side: "hub" } },
  "public-site": { ...cabin, public: { network, side: "site", addresses, pinned } },
  alone: { ...cabin, announce: [], interfaces: [] },
};

describe("BIRD's configuration", () => {
  test.each(Object.entries(CASES))("%s", (name, given) => expectGolden(`ospf/${name}.conf`, config(given)));

  testWith("bird", "bird reads all of them, and refuses a broken one", () => {
    for (const given of Object.values(CASES)) expect(checkBird(config(given))).toEqual({ code: 0, output: "" });
    expect(checkBird(config(cabin).replace("type ptp;", "type ppp;")).code).not.toBe(0);
    expect(checkBird(config(cabin).replace("hmac sha256", "hmac sha3")).code).not.toBe(0);
  });

  test("a new site on the hub is one more interface for each family", () => {
    const before = args("vps");
    const after = config({ ...before, interfaces: [...before.interfaces, office] }).split("\n");
    const old = config(before).split("\n");
    const fresh = after.filter((line) => !old.includes(line));
    const own = ['\t\tinterface "wg-office" { # office', "\t\t\tcost 100;", '\t\t\tpassword "{{ospf_wg_office}}" {'];
    expect(fresh.map((line) => line.replace(" fe80::/112", ""))).toEqual([...own, ...own]);
    for (const line of old) expect(after).toContain(line);
  });

  testWith("systemd-analyze", "systemd reads Debian's unit with what is added to it", () => {
    const files = { "bird.service.d/intranet.conf": render.renderBirdDropIn() };
    expectGolden("ospf/drop-in.conf", render.renderBirdDropIn());
    expect(checkUnit("/lib/systemd/system/bird.service", files).output).toBe("");
  });
});

describe("secrets", () => {
  const secretsOf = (given: pulumi.Input<string>): pulumi.Output<unknown> =>
    pulumi.output(
      ospfRole({ ...cabin, interfaces: [{ ...office, secret: given }] }).files![render.BIRD_CONFIG]!.secrets,
    );
  const inner = (output: pulumi.Output<unknown>): { promise(): Promise<unknown>; isSecret: Promise<boolean> } =>
    output as never;

  test("stand in the file's secrets alone, and stay secret", async () => {
    expect(JSON.stringify({ ...ospfRole(cabin), files: config(cabin) })).not.toContain(secret);
    expect(await inner(secretsOf(secret)).promise()).toEqual({ ospf_wg_office: secret });
    expect(await inner(secretsOf(secret)).isSecret).toBe(true);
  });

  test.each(["short", `${secret}"`, `${secret}\n`, "ä".repeat(20), "x".repeat(129)])(
    "what BIRD could not read is refused without being shown: %j",
    (bad) => {
      const attempt = (): string => checkedSecret(bad, "office");
      expect(attempt).toThrow(/^OSPF with office: .*\n.*secret: must be 16 to 128 characters [^"]*$/);
      expect(attempt).not.toThrow(bad);
    },
  );
});

describe("who must be a neighbour after a change", () => {
  const HEADER = "BIRD 2.17.5 ready.\n";
  const neighbours = (name: string, rows: readonly [string, string, string][]): string =>
    `${HEADER}${name}:\nRouter ID   \tPri\t     State     \tDTime\tInterface  Router IP\n` +
    rows.map(([state, left, on]) => `10.31.240.1 \t  1\t${state}/PtP  \t${left}\t${on}   169.254.1.2\n`).join("");
  const BIRDC = "#!/bin/sh\nshift; case $* in *ospf4) cat ospf4;; *ospf6) cat ospf6;; esac\n";
  const interfaces = (...names: string[]): string => names.map((name) => `interface "${name}" {\n`).join("");

  /** Runs note, and then ask, with what birdc says before and after; returns the note and what ask printed. */
  function change(
    files: { old: string; new: string },
    before: readonly [string, string, string][],
    after: readonly [string, string, string][],
    required: readonly string[],
    pairs = "",
  ): { note: string; said: string; code: number | null } {
    const sandbox = [
      "mount -t tmpfs none /run; mount -t tmpfs none /etc/bird",
      'cd "$1"; shift; PATH=$PWD/bin:$PATH; cp old.conf /etc/bird/bird.conf',
      'cp before4 ospf4; cp before6 ospf6; sh -c "$NOTE" note "$PWD/new.conf" "$PAIRS" "$@"',
      "cat /run/intranet-ospf-neighbours >note; cp after4 ospf4; cp after6 ospf6",
      'sh -c "$ASK" ask "$PAIRS" >said 2>&1 && code=0 || code=$?; cat note; echo --; cat said; exit $code',
    ].join("\n");
    const content = {
      "old.conf": files.old,
      "new.conf": files.new,
      before4: neighbours("ospf4", before),
      before6: neighbours("ospf6", before),
      after4: neighbours("ospf4", after),
      after6: neighbours("ospf6", after),
      "bin/birdc": BIRDC,
      "bin/sleep": "#!/bin/sh\n",
    };
    return withFiles(content, (folder) => {
      for (const program of ["birdc", "sleep"]) chmodSync(join(folder, "bin", program), 0o755);
      const result = spawnSync("unshare", ["--mount", "sh", "-euc", sandbox, "sh", folder, ...required], {
        encoding: "utf8",
        env: { ...process.env, NOTE: NOTE_NEIGHBOURS, ASK: ASK_NEIGHBOURS, PAIRS: pairs },
      });
      expect(result.stderr).toBe("");
      const [note, said] = result.stdout.split("--\n");
      return { note: note!, said: said!, code: result.status };
    });
  }
  const full = (on: string, left = "18.2"): [string, string, string] => ["Full", left, on];
  const both = interfaces("wg-a", "wg-b");

  testWith("bird", "at first: the required ones", () => {
    const empty = { old: "# Debian's\n", new: both };
    const made = change(empty, [], [full("wg-a")], ["wg-a"]);
    expect(made).toEqual({ note: "ospf4 wg-a\nospf6 wg-a\n", said: "", code: 0 });
    expect(change(empty, [], [["ExStart", "18.2", "wg-a"]], ["wg-a"])).toMatchObject({
      said: "not Full:\nospf4 wg-a\nospf6 wg-a\n",
      code: 1,
    });
    expect(change(empty, [], [], [])).toEqual({ note: "", said: "", code: 0 });
  });

  testWith("bird", "later: those that were there before, and no other", () => {
    const same = { old: both, new: both };
    expect(change(same, [full("wg-a"), ["Init", "3.1", "wg-b"]], [full("wg-a")], ["wg-a", "wg-b"])).toMatchObject({
      code: 0,
    });
    expect(change(same, [full("wg-a"), full("wg-b")], [full("wg-b")], [])).toMatchObject({ code: 1 });
    expect(
      change({ old: both, new: interfaces("wg-a") }, [full("wg-a"), full("wg-b")], [full("wg-a")], []),
    ).toMatchObject({
      code: 0,
    });
  });

  testWith("bird", "of two tunnels to the same neighbour either will do, but not none", () => {
    const taking = { old: both, new: both };
    const two = [full("wg-a"), full("wg-b")];
    for (const name of ["wg-a", "wg-b"])
      expect(change(taking, two, [full(name)], [], "wg-a=wg-b")).toMatchObject({ said: "", code: 0 });
    expect(change(taking, two, [full("wg-b", "12.9")], [], "wg-a=wg-b")).toMatchObject({ code: 1 });
    expect(change(taking, [...two, full("wg-c")], two, [], "wg-a=wg-b")).toMatchObject({ code: 0 }); // not named any more
    expect(change(taking, two, [full("wg-b")], [])).toMatchObject({ code: 1 });
  });

  testWith("bird", "one that is still listed, but not heard since the change, does not count", () => {
    const same = { old: both, new: both };
    expect(change(same, [full("wg-a")], [full("wg-a", "12.9")], [])).toMatchObject({ code: 1 });
    expect(change(same, [full("wg-a")], [full("wg-a", "14.0")], [])).toMatchObject({ code: 0 });
  });

  testWith("sh", "the shell reads the scripts", () => {
    for (const script of [NOTE_NEIGHBOURS, ASK_NEIGHBOURS, LIVE_STATE, KEEP_WAYS, RELEASE_WAYS])
      expect(checkShell(script)).toMatchObject({ code: 0 });
  });
});

testWith("bird", "refresh sees an interface that runs otherwise than declared, and none that is not there yet", () => {
  const shown = (name: string, area: number, cost: number): string =>
    `Interface ${name} (peer 169.254.1.3)\n\tType: ptp\n\tArea: 0.0.0.${area} (${area})\n\tState: PtP\n\tCost: ${cost}\n`;
  const live = (...interfaces: string[]): string => {
    const content = {
      "bird.conf": config(args("vps")),
      protocols: "BIRD 2.17.5 ready.\nName Proto Table State Since Info\nospf4 OSPF master4 up 12:30:01.046 Running\n",
      ospf4: `ospf4:\n${interfaces.join("")}`,
      ospf6: "ospf6:\n",
      "bin/birdc": "#!/bin/sh\ncase $* in *ospf4) cat ospf4;; *ospf6) cat ospf6;; *) cat protocols;; esac\n",
    };
    return withFiles(content, (folder) => {
      chmodSync(join(folder, "bin/birdc"), 0o755);
      const sandbox =
        'mount -t tmpfs none /etc/bird; cd "$1"; PATH=$PWD/bin:$PATH; cp bird.conf /etc/bird/; sh -c "$LIVE"';
      const env = { ...process.env, LIVE: LIVE_STATE };
      const result = spawnSync("unshare", ["--mount", "sh", "-euc", sandbox, "sh", folder], { encoding: "utf8", env });
      expect([result.stderr, result.status]).toEqual(["", 0]);
      return result.stdout;
    });
  };
  const [first, second] = PLAN.ospf["vps"]!.interfaces;
  const quiet = "ospf4 OSPF up\n";
  expect(live()).toBe(quiet);
  expect(live(shown(first!.interface, first!.area, first!.cost))).toBe(quiet);
  expect(
    live(shown(first!.interface, first!.area, first!.cost), shown(second!.interface, second!.area, second!.cost)),
  ).toBe(quiet);
  expect(live(shown(first!.interface, first!.area, first!.cost + 1))).toBe(
    `${quiet}ospf4 ${first!.interface} ${first!.area} ${first!.cost + 1}\n`,
  );
  expect(live(shown("wg-other", 3, 10))).toBe(`${quiet}ospf4 wg-other 3 10\n`);
});

testWith(
  "ip",
  "what goes through a tunnel that becomes dearer, or leaves, stays there until it is let go; nothing else is kept",
  () => {
    const tunnels = (costs: Record<string, number>): string =>
      Object.entries(costs)
        .map(([name, cost]) => `\t\tinterface "${name}" { # neighbour\n\t\t\tcost ${cost};\n`)
        .join("");
    const names = ["wg-a", "wg-b", "wg-c", "wg-d", "wg-e"];
    const sandbox = [
      "mount -t tmpfs none /etc/bird; mount -t sysfs none /sys",
      `n=0; for dev in ${names.join(" ")}; do`,
      "n=$((n + 1)); ip tuntap add mode tun $dev; ip link set $dev up",
      "ip -4 route add 10.0.$n.0/24 dev $dev proto bird metric 32; ip -6 route add fd00:$n::/32 dev $dev proto bird metric 32",
      "ip -6 route add default dev $dev proto bird table $((100 + n))",
      "ip -4 route add 10.1.$n.0/24 dev $dev proto static",
      "done",
      'cd "$1"; PATH=$PWD/bin:$PATH; cp old.conf /etc/bird/bird.conf; sh -c "$KEEP" keep "$PWD/new.conf"',
      "for family in 4 6; do ip -$family route flush table all proto bird; ip -$family route show table all proto 242; done",
      'echo --; cat timer; echo --; sh -c "$RELEASE"; ip -4 route show table all proto 242; ip -6 route show table all proto 242',
    ].join("\n");
    const content = {
      "old.conf": tunnels({ "wg-a": 10, "wg-b": 10, "wg-c": 10, "wg-d": 10, "wg-e": 10, "wg-gone": 10 }),
      "new.conf": tunnels({ "wg-a": 65534, "wg-b": 11, "wg-c": 9, "wg-d": 10, "wg-new": 10, "wg-gone": 65534 }),
      "bin/systemd-run": '#!/bin/sh\necho "$*" >timer\n',
    };
    withFiles(content, (folder) => {
      chmodSync(join(folder, "bin/systemd-run"), 0o755);
      const env = { ...process.env, KEEP: KEEP_WAYS, RELEASE: RELEASE_WAYS };
      const command = ["--mount", "--net", "sh", "-euc", sandbox, "sh", folder];
      const { status, stdout, stderr } = spawnSync("unshare", command, { encoding: "utf8", env });
      expect([stderr, status]).toEqual(["", 0]);
      const [kept, timer, left] = stdout.split("--\n").map((text) => text.replace(/ +$/gm, ""));
      expect(kept!.split("\n").map((line) => line.replace(/ (linkdown|pref medium)/g, ""))).toEqual([
        "10.0.1.0/24 dev wg-a scope link metric 16",
        "10.0.5.0/24 dev wg-e scope link metric 16",
        "default dev wg-a table 101 metric 16",
        "default dev wg-e table 105 metric 16",
        "fd00:1::/32 dev wg-a metric 16",
        "fd00:5::/32 dev wg-e metric 16",
        "",
      ]);
      expect(timer).toMatch(
        /--on-active=30 .*-4 route flush table all proto 242; ip -6 route flush table all proto 242/,
      );
      expect(left).toBe("");
    });
  },
);
