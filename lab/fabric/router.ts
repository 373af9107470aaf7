/** The packet filters of customers' routers, and of the Internet's router where a line is narrow. */
import * as ipaddr from "ipaddr.js";
import type { Site } from "../constants";

/** ICMP's word, in both families, for a packet that was too big for the next link. */
const TOO_BIG = ["icmp type destination-unreachable icmp code frag-needed", "icmpv6 type packet-too-big"] as const;

/** A chain: its name, what it hooks into, its rules. */
type Chain = [name: string, hook: string, rules: readonly string[]];

/** A table as text for nft; a chain without rules that only accepts is left out. */
function table(name: string, chains: readonly Chain[]): string {
  const needed = chains.filter(([, hook, rules]) => rules.length > 0 || !hook.includes("policy accept"));
  const texts = needed.map(
    ([chain, hook, rules]) => `\tchain ${chain} {\n${[hook, ...rules].map((line) => `\t\t${line}\n`).join("")}\t}\n`,
  );
  return `table inet ${name} {\n${texts.join("")}}\n`;
}

/** The largest TCP segment that fits, for packets that begin a connection: the MTU less the headers of IP and TCP. */
function clamp(mtu: number): string[] {
  return [
    ["ipv4", mtu - 40],
    ["ipv6", mtu - 60],
  ].map(
    ([family, size]) =>
      `meta nfproto ${family} tcp flags syn tcp option maxseg size > ${size} tcp option maxseg size set ${size}`,
  );
}

/**
 * The router of a site: IPv4 goes out masqueraded, and nothing new comes in by either family but what is forwarded. On
 * a narrow line it says nothing of packets that are too big, and hands on nothing that others say of it.
 */
export function routerRuleset({ forwards = [], narrow }: Site): string {
  const silence = narrow === undefined ? [] : TOO_BIG.map((match) => `${match} drop`);
  return table("router", [
    [
      "forward",
      "type filter hook forward priority filter; policy drop;",
      [
        ...silence,
        ...(narrow === undefined ? [] : clamp(narrow)),
        "ct state established,related accept",
        'iifname "lan" accept',
        ...(forwards.length > 0 ? ["ct status dnat accept"] : []),
      ],
    ],
    [
      "input",
      "type filter hook input priority filter; policy drop;",
      [
        ...silence,
        "ct state established,related accept",
        'iifname { "lo", "lan" } accept',
        "meta l4proto { icmp, ipv6-icmp } accept",
      ],
    ],
    ["output", "type filter hook output priority filter; policy accept;", silence],
    [
      "prerouting",
      "type nat hook prerouting priority dstnat; policy accept;",
      forwards.map(({ port, to }) => `iifname "wan" meta nfproto ipv4 udp dport ${port} dnat ip to ${to}`),
    ],
    [
      "postrouting",
      "type nat hook postrouting priority srcnat; policy accept;",
      ['meta nfproto ipv4 oifname "wan" masquerade'],
    ],
  ]);
}

/**
 * What the Internet's router does not say: that a packet was too big for the line of a narrow site. Such an error
 * quotes that packet's header behind its own eight bytes (RFC 792, RFC 4443); the destination in there is what is
 * looked at.
 */
export function blackHoleRuleset(sites: readonly Site[]): string {
  const rules = sites
    .filter(({ narrow }) => narrow !== undefined)
    .flatMap(({ wan, delegated }) => {
      const [network, bits] = ipaddr.parseCIDR(delegated);
      return [
        `${TOO_BIG[0]} @th,${(8 + 16) * 8},32 ${hex(ipaddr.parse(wan.ipv4), 32)} drop`,
        `${TOO_BIG[1]} @th,${(8 + 24) * 8},${bits} ${hex(network, bits)} drop`,
      ];
    });
  return table("black-hole", [["output", "type filter hook output priority filter; policy accept;", rules]]);
}

function hex(address: { toByteArray(): number[] }, bits: number): string {
  return `0x${Buffer.from(address.toByteArray())
    .subarray(0, bits / 8)
    .toString("hex")}`;
}
