/** The cloud's packet filter in front of a server: nftables on the forward path of the Internet's router. */
import * as ipaddr from "ipaddr.js";
import type { FirewallRule } from "../machines";
import { INTERNET_NS } from "./attachment";
import { nft } from "./net";
import { RefusedError } from "./refused";

/** Splits prefixes by family, in the form that nft takes. Throws on what is no prefix or address. */
function byFamily(prefixes: readonly string[]): { ip: string[]; ip6: string[] } {
  const result: { ip: string[]; ip6: string[] } = { ip: [], ip6: [] };
  for (const prefix of prefixes) {
    const [address, length] = prefix.includes("/") ? ipaddr.parseCIDR(prefix) : [ipaddr.parse(prefix), undefined];
    const text = length === undefined ? address.toString() : `${address.toString()}/${length}`;
    (address.kind() === "ipv4" ? result.ip : result.ip6).push(text);
  }
  return result;
}

/** The match on protocol and port of one rule for one family. Throws on a port that is none. */
function serviceMatch(rule: FirewallRule, family: "ip" | "ip6"): string {
  if (rule.protocol === "icmp") return `meta l4proto ${family === "ip" ? "icmp" : "ipv6-icmp"}`;
  if (rule.protocol === "gre" || rule.protocol === "esp") return `meta l4proto ${rule.protocol}`;
  const port = rule.port ?? "any";
  if (port === "any") return `meta l4proto ${rule.protocol}`;
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(port);
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || from < 1 || to > 65535 || from > to)
    throw new RefusedError(`firewall rule: port ${JSON.stringify(port)} is no port, range of ports or "any"`);
  return `${rule.protocol} dport ${from === to ? from : `${from}-${to}`}`;
}

/** nft statements that accept what one rule allows. */
function accepts(rule: FirewallRule): string[] {
  const peers = byFamily(rule.direction === "in" ? rule.sourceIps : rule.destinationIps);
  const side = rule.direction === "in" ? "saddr" : "daddr";
  return (["ip", "ip6"] as const)
    .filter((family) => peers[family].length > 0)
    .map((family) => `${family} ${side} { ${peers[family].join(", ")} } ${serviceMatch(rule, family)} accept`);
}

/**
 * The ruleset for the server whose attachment is `name`. With a firewall attached, what comes in passes only by a rule;
 * what goes out passes unless there are rules for that direction; answers always pass. `undefined`: no firewall at all.
 */
export function firewallRuleset(name: string, rules: readonly FirewallRule[] | undefined): string {
  const table = `inet fw-${name}`;
  const clear = `table ${table} {}\ndelete table ${table}\n`; // first made, so that the deletion never fails
  if (rules === undefined) return clear;
  const chain = (chainName: string, direction: "in" | "out"): string[] => [
    `\tchain ${chainName} {`,
    "\t\tct state established,related accept",
    ...rules
      .filter((rule) => rule.direction === direction)
      .flatMap(accepts)
      .map((line) => `\t\t${line}`),
    "\t\tdrop",
    "\t}",
  ];
  const outgoing = rules.some((rule) => rule.direction === "out");
  const lines = [
    `table ${table} {`,
    ...chain("incoming", "in"),
    ...(outgoing ? chain("outgoing", "out") : []),
    "\tchain forward {",
    "\t\ttype filter hook forward priority filter; policy accept;",
    ...(outgoing ? [`\t\tiifname "${name}" jump outgoing`] : []),
    `\t\toifname "${name}" jump incoming`,
    "\t}",
    "}",
  ];
  return `${clear}${lines.join("\n")}\n`;
}

/** Puts the packet filter in front of a server, in one transaction. */
export function applyFirewall(name: string, rules: readonly FirewallRule[] | undefined): Promise<void> {
  return nft(firewallRuleset(name, rules), INTERNET_NS);
}

/** A path between two attachments that is dropped, by their names. */
export type Cut = readonly [string, string];

/** The ruleset that drops all packets between the given pairs, whichever way they go; replaces the one before. */
export function cutsRuleset(cuts: readonly Cut[]): string {
  const rules = cuts.flatMap(([a, b]) => [
    `\t\tiifname "${a}" oifname "${b}" drop`,
    `\t\tiifname "${b}" oifname "${a}" drop`,
  ]);
  return [
    "table inet cuts {}",
    "delete table inet cuts",
    "table inet cuts {",
    "\tchain forward {",
    "\t\ttype filter hook forward priority -10; policy accept;",
    ...rules,
    "\t}",
    "}",
    "",
  ].join("\n");
}

/** Puts the cuts in force, in one transaction. */
export function applyCuts(cuts: readonly Cut[]): Promise<void> {
  return nft(cutsRuleset(cuts), INTERNET_NS);
}
