import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FOREIGN_DROPS } from "../../../components/host-identity/foreign";
import * as render from "../../../components/host-identity/render";
import {
  renderUplinkScript,
  renderUplinkUnit,
  UPLINK_SYSCTLS,
  UPLINK_UNIT,
} from "../../../components/host-identity/uplink";
import { checkNft, checkShell, checkUnit, inNamespace, testWith } from "./checkers";
import { PLAN } from "./fixtures";
import { expectGolden } from "./golden";

const home = { ...PLAN.hosts["home"]!.identity, space: PLAN.space };
const hub = { ...PLAN.hosts["vps"]!.identity, space: PLAN.space, unusedPrefixes: ["2001:db8:100:1::/64"] };
const FORWARDING = ["none", "transit", "lan"] as const;
const units = {
  [render.IDENTITY_UNIT]: render.renderIdentityUnit(),
  [render.FIREWALL_UNIT]: render.renderFirewallUnit(),
  [UPLINK_UNIT]: renderUplinkUnit(),
};

describe("a host's identity", () => {
  const publicNetwork = { prefix: "2001:db8:100:1::/64", bits: "0x20010db801000001" };

  const answers = {
    tcp: [443, 53, 80],
    udp: [53],
    management: { port: 2222, from: [`${hub.v4}/32`, `${hub.v6}/128`, PLAN.deviceHub.pool.v4] },
  };
  const nothing = { tcp: [], udp: [], management: { port: 22, from: [] } };

  test("goldens", () => {
    expectGolden("host-identity/identity-site", render.renderIdentityScript(home));
    expectGolden("host-identity/identity-hub", render.renderIdentityScript(hub));
    expectGolden("host-identity/intranet-identity.service", render.renderIdentityUnit());
    expectGolden("host-identity/networkd.conf", render.renderNetworkdConfig());
    expectGolden("host-identity/intranet-firewall.service", render.renderFirewallUnit());
    for (const forwarding of FORWARDING)
      expectGolden(`host-identity/firewall-${forwarding}.nft`, render.renderForwardRules(PLAN.space, { forwarding }));
    for (const [name, answered] of Object.entries({ answers, nothing }))
      expectGolden(
        `host-identity/firewall-${name}.nft`,
        render.renderForwardRules(PLAN.space, { forwarding: "none", publicNetwork, answers: answered }),
      );
    expectGolden(
      "host-identity/firewall-public.nft",
      render.renderForwardRules(PLAN.space, { forwarding: "lan", publicNetwork }),
    );
  });

  testWith("sh", "the shell reads the scripts, and refuses a broken one", () => {
    for (const identity of [home, hub])
      expect(checkShell(render.renderIdentityScript(identity))).toMatchObject({ code: 0 });
    expect(checkShell(render.renderIdentityScript(home).replace("esac", "")).code).not.toBe(0);
  });

  testWith("ip", "start is repeatable, follows a change, and stop leaves nothing", () => {
    const script = render.renderIdentityScript(hub);
    const show =
      "ls /run; ip -brief address show dev lo; ip -4 route show type unreachable; ip -6 route show type unreachable; echo --";
    const files = { now: script, changed: script.replaceAll(hub.v4, "10.31.240.99") };
    const [first, again, changed, stopped] = inNamespace(
      `sh now start; ${show}; sh now start; ${show}; sh changed start; ${show}; sh changed stop; ${show}`,
      files,
    ).split("--\n");
    expect(first).toContain(`${hub.v4}/32`);
    expect(first).toContain(`${hub.v6}/128`);
    expect(first).toContain("unreachable 2001:db8:100:1::/64 dev lo metric 128");
    expect(again).toBe(first);
    expect(changed).toBe(first!.replace(hub.v4, "10.31.240.99"));
    expect(stopped).not.toMatch(/10\.31|fd71|unreachable|intranet-identity/);
  });

  describe("the uplink", () => {
    // The namespace has a /run of its own.
    const now = renderUplinkScript().replaceAll(UPLINK_SYSCTLS, "/run/kept");
    const show =
      "cat /proc/sys/net/ipv6/conf/up0/accept_ra /proc/sys/net/ipv6/conf/up1/accept_ra; cat /run/kept 2>&1 | grep -v '^# Written'";
    const seen = (script: string) =>
      inNamespace(
        [
          "for dev in up0 up1 wg-home; do ip link add $dev type veth peer name x-$dev; ip link set $dev up; ip link set x-$dev up; done",
          "ip address add 192.0.2.1/24 dev up0; ip -6 address add 2001:db8::1/64 dev up1 nodad",
          ...script.split("\n").map((line) => (line === "show" ? `${show}; echo --` : line)),
        ].join("\n"),
        { now },
      )
        .split("--\n")
        .map((text) => text.trim().split("\n"));
    const KEPT = (device: string, before = 1) => [`# ${device} was ${before}`, `net/ipv6/conf/${device}/accept_ra = 2`];
    const NONE = "cat: /run/kept: No such file or directory";

    test("goldens", () => {
      expectGolden("host-identity/uplink", renderUplinkScript());
      expectGolden("host-identity/intranet-uplink.service", renderUplinkUnit());
    });

    testWith("ip", "is the interface of the default route and no other, follows it, and gets back what it had", () => {
      const steps = [
        "sh now start\nshow", // nobody's yet
        "ip route add default via 192.0.2.2 dev up0\nip -6 route add default dev wg-home metric 1\nsh now start\nshow",
        "sh now start\nshow",
        "ip route del default\nsh now start\nshow", // as at boot
        // As at boot, where it is not there yet.
        "ip link set up0 name later\nrm /run/intranet-uplink\nsh now start\nip link set later name up0\nshow",
        "ip -6 route add default via 2001:db8::2 dev up1\nsh now start\nshow",
        // Stopped since the host goes down, and at the boot after that.
        'mkdir fake; printf "#!/bin/sh\\necho stopping\\n" >fake/systemctl; chmod +x fake/systemctl\nPATH=$PWD/fake:$PATH sh now stop\nshow',
        "ip -6 route del default dev up1\nsh now start\nshow",
        "sh now stop\nshow",
      ];
      expect(seen(steps.join("\n")).slice(0, -1)).toEqual([
        ["1", "1", NONE],
        ["2", "1", ...KEPT("up0")],
        ["2", "1", ...KEPT("up0")],
        ["2", "1", ...KEPT("up0")],
        ["2", "1", ...KEPT("up0")],
        ["1", "2", ...KEPT("up1")],
        ["1", "1", ...KEPT("up1")],
        ["1", "2", ...KEPT("up1")],
        ["1", "1", NONE],
      ]);
    });

    testWith("ip", "is left alone where another program handles advertisements, and what was 2 stays 2", () => {
      const set = (device: string, value: number) => `echo ${value} >/proc/sys/net/ipv6/conf/${device}/accept_ra`;
      const steps = [
        `${set("up0", 0)}\nip route add default via 192.0.2.2 dev up0\nsh now start\nshow`,
        `${set("up0", 2)}\nsh now start\nshow`,
        "sh now stop\nshow",
        `${set("up0", 1)}\nsh now start\n${set("up0", 0)}\nsh now start\nshow`,
      ];
      expect(seen(steps.join("\n")).slice(0, -1)).toEqual([
        ["0", "1", NONE],
        ["2", "1", ...KEPT("up0", 2)],
        ["2", "1", NONE],
        ["0", "1", NONE],
      ]);
    });

    testWith("ip", "keeps its default route when the host begins to forward, which it loses otherwise", () => {
      const advertise = readFileSync(join(__dirname, "../../lab/advertise.py"), "utf8");
      const count = "ip -6 route show default | wc -l; echo --";
      const forward = (value: number) => `echo ${value} >/proc/sys/net/ipv6/conf/all/forwarding`;
      const [before, without, kept] = inNamespace(
        [
          "ip link add up1 type veth peer name router; unshare -n sleep 60 & router=$!",
          // Only then is it a namespace of its own.
          'until [ "$(readlink /proc/$router/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.1; done',
          "ip link set router netns $router",
          'on() { nsenter -t $router -n "$@"; }',
          "on ip link set router up; ip link set up1 up; ip -6 address add 2001:db8::1/64 dev up1 nodad",
          // Until its own address may be used, a router says nothing.
          "until on ip -6 address show dev router scope link -tentative | grep -q fe80; do sleep 0.1; done",
          "hear() { on python3 advertise router 2; }",
          `hear; ${count}; ${forward(1)}; ${count}`,
          `${forward(0)}; hear; sh now start; ${forward(1)}; ${count}`,
          "kill $router",
        ].join("\n"),
        { now, advertise },
      ).split("--\n");
      expect([before, without, kept].map((text) => text!.trim())).toEqual(["1", "0", "1"]);
    });
  });

  testWith("systemd-analyze", "systemd reads the units", () => {
    for (const unit of Object.keys(units)) expect(checkUnit(unit, units).output).toBe("");
  });

  testWith("nft", "nft reads the rules for every kind of forwarding", () => {
    for (const forwarding of FORWARDING)
      for (const network of [undefined, publicNetwork])
        for (const answered of [undefined, answers, nothing])
          expect(
            checkNft(
              render.renderForwardRules(PLAN.space, {
                forwarding,
                ...(network ? { publicNetwork: network } : {}),
                ...(answered ? { answers: answered } : {}),
              }),
            ),
          ).toMatchObject({ code: 0 });
  });

  testWith("nft", "says which other program's filter drops, by hook; ours and those that accept are none", () => {
    const rules = render.renderForwardRules(PLAN.space, { forwarding: "lan", answers });
    // As Docker, ufw and a mail program's owner have them.
    const docker = "table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop; }; }";
    const ufw = "table ip6 filter { chain INPUT { type filter hook input priority filter; policy drop; }; }";
    const mild =
      "table inet mild { chain in { type filter hook input priority 5; policy accept; tcp dport 25 drop; }; }";
    const output = inNamespace(
      [
        'look() { sh foreign "$@" || echo "code $?"; echo --; }',
        "nft -f rules; nft -f mild; look input forward",
        "nft -f docker; nft -f ufw; look input forward; look input",
        "nft flush ruleset; look input forward",
      ].join("\n"),
      { rules, docker, ufw, mild, foreign: FOREIGN_DROPS },
    );
    const [mine, both, input, none] = output.split("--\n");
    expect([mine, none]).toEqual(["", ""]);
    expect(both!.split("\n").sort()).toEqual(
      ["", "code 1", "table ip filter, chain FORWARD", "table ip6 filter, chain INPUT"].sort(),
    );
    expect(input).toBe("table ip6 filter, chain INPUT\ncode 1\n");
  });

  testWith("nft", "loading twice leaves one table", () => {
    const rules = render.renderForwardRules(PLAN.space, { forwarding: "lan", answers });
    const output = inNamespace(
      "nft -f rules; nft list ruleset > once; nft -f rules; nft list ruleset | cmp - once; grep -c '^table' once",
      { rules },
    );
    expect(output).toBe("1\n");
  });
});
