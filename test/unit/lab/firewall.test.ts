import { execFileSync } from "node:child_process";
import { cutsRuleset, firewallRuleset } from "../../../lab/fabric/firewall";
import { ATTIC, OFFICE, SITES } from "../../../lab/constants";
import { blackHoleRuleset, routerRuleset } from "../../../lab/fabric/router";
import type { FirewallRule } from "../../../lab/machines";

/** nft's own opinion, in a network namespace that ends with it. */
function check(ruleset: string): void {
  execFileSync("unshare", ["--net", "nft", "-c", "-f", "-"], { input: ruleset, stdio: ["pipe", "pipe", "pipe"] });
}

const RULES: FirewallRule[] = [
  { direction: "in", protocol: "tcp", port: "22", sourceIps: ["198.51.100.7/32", "2001:db8::/32"], destinationIps: [] },
  { direction: "in", protocol: "udp", port: "51820-51830", sourceIps: ["0.0.0.0/0", "::/0"], destinationIps: [] },
  { direction: "in", protocol: "icmp", sourceIps: ["0.0.0.0/0", "::/0"], destinationIps: [] },
  { direction: "in", protocol: "gre", sourceIps: ["192.0.2.1"], destinationIps: [] },
];

test("incoming: only what a rule names and answers; outgoing stays open without rules", () => {
  const ruleset = firewallRuleset("vps", RULES);
  check(ruleset);
  expect(ruleset).toBe(`table inet fw-vps {}
delete table inet fw-vps
table inet fw-vps {
	chain incoming {
		ct state established,related accept
		ip saddr { 198.51.100.7/32 } tcp dport 22 accept
		ip6 saddr { 2001:db8::/32 } tcp dport 22 accept
		ip saddr { 0.0.0.0/0 } udp dport 51820-51830 accept
		ip6 saddr { ::/0 } udp dport 51820-51830 accept
		ip saddr { 0.0.0.0/0 } meta l4proto icmp accept
		ip6 saddr { ::/0 } meta l4proto ipv6-icmp accept
		ip saddr { 192.0.2.1 } meta l4proto gre accept
		drop
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		oifname "vps" jump incoming
	}
}
`);
});

test("one outgoing rule closes everything else that goes out", () => {
  const ruleset = firewallRuleset("vps", [
    { direction: "out", protocol: "tcp", port: "any", sourceIps: [], destinationIps: ["192.0.2.0/24"] },
  ]);
  check(ruleset);
  expect(ruleset).toMatch(
    /chain outgoing \{\n\t\tct state established,related accept\n\t\tip daddr \{ 192\.0\.2\.0\/24 \} meta l4proto tcp accept\n\t\tdrop/,
  );
  expect(ruleset).toMatch(/iifname "vps" jump outgoing/);
});

test("an attached firewall without rules lets nothing in; none at all is no table", () => {
  expect(firewallRuleset("vps", [])).toMatch(/chain incoming \{\n\t\tct state established,related accept\n\t\tdrop/);
  expect(firewallRuleset("vps", undefined)).toBe("table inet fw-vps {}\ndelete table inet fw-vps\n");
  check(firewallRuleset("a.b-c", undefined));
});

test.each(["0", "65536", "80-79", "x", "1-2-3"])("port %s is refused", (port) => {
  expect(() =>
    firewallRuleset("vps", [{ direction: "in", protocol: "tcp", port, sourceIps: ["0.0.0.0/0"], destinationIps: [] }]),
  ).toThrow(/is no port/);
});

test("overlapping sources are one set for nft", () => {
  check(
    firewallRuleset("vps", [
      {
        direction: "in",
        protocol: "tcp",
        port: "22",
        sourceIps: ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3"],
        destinationIps: [],
      },
    ]),
  );
});

test("cuts drop both ways, and an empty list is an empty chain", () => {
  const ruleset = cutsRuleset([["home", "vps"]]);
  check(ruleset);
  expect(ruleset).toContain('iifname "home" oifname "vps" drop');
  expect(ruleset).toContain('iifname "vps" oifname "home" drop');
  check(cutsRuleset([]));
  expect(cutsRuleset([])).not.toContain("drop");
});

describe("sites' routers", () => {
  test("all of them load", () => SITES.forEach((site) => check(routerRuleset(site))));

  test("let nothing new in, unless a port is forwarded", () => {
    const plain = routerRuleset(ATTIC);
    expect(plain).toContain("hook forward priority filter; policy drop;");
    expect(plain).not.toMatch(/dnat|too-big|frag-needed|maxseg|hook output/);
    const office = routerRuleset(OFFICE);
    expect(office).toContain('iifname "wan" meta nfproto ipv4 udp dport 61999 dnat ip to 10.40.0.10\n');
    expect(office).toMatch(/iifname "lan" accept\n\t\tct status dnat accept/);
  });

  test("say nothing about packets that are too big for a narrow line, and pass nothing on about them", () => {
    const office = routerRuleset(OFFICE);
    for (const hook of ["forward", "input", "output"])
      expect(office).toMatch(
        new RegExp(`hook ${hook} .*\\n\\t\\ticmp type .* frag-needed drop\\n\\t\\ticmpv6 type packet-too-big drop`),
      );
    expect(office).toContain("maxseg size > 1420 tcp option maxseg size set 1420");
    expect(office).toContain("maxseg size > 1400 tcp option maxseg size set 1400");
  });

  test("the Internet's router is silent about the narrow lines, and about those alone", () => {
    check(blackHoleRuleset(SITES));
    check(blackHoleRuleset([ATTIC]));
    expect(blackHoleRuleset([ATTIC])).not.toContain("drop");
    const rules = blackHoleRuleset(SITES);
    // 198.51.100.160 and 2001:db8:f::/56 as the quoted packet's destination
    expect(rules).toContain("icmp code frag-needed @th,192,32 0xc63364a0 drop");
    expect(rules).toContain("packet-too-big @th,256,56 0x20010db8000f00 drop");
    expect(rules.match(/drop/g)).toHaveLength(2);
  });
});
