/** What the rules of a site's host and of the sinkhole have in common. */
import { familyOf, MADE_BY } from "./text";

/**
 * The group that our tunnels' interfaces are in (ip-link(8), `group`), by which rules know them: their names are no
 * proof, for the owner of a host may have a `wg-…` of his own. The number is WireGuard's customary port.
 */
export const TUNNEL_GROUP = 51820;
/** Comes by a tunnel of ours. */
export const FROM_TUNNEL = `iifgroup ${TUNNEL_GROUP}`;
/** Leaves by one. */
export const TO_TUNNEL = `oifgroup ${TUNNEL_GROUP}`;
/** Comes by anything else. */
export const NOT_FROM_TUNNEL = `iifgroup != ${TUNNEL_GROUP}`;
/** Leaves by anything else. */
export const NOT_TO_TUNNEL = `oifgroup != ${TUNNEL_GROUP}`;

/**
 * Tunnels that are being started: wg-quick(8) has no moment between an interface's making and its first packet. While
 * its name is here and it is not in the group yet, nothing passes. See {@link renderInterface}.
 */
export const STARTING = "starting";

/**
 * Where the IPv6 link-local addresses of our tunnels lie. Random ones never do (RFC 7217: 64 bits), such as
 * wireguard-go's interface has until ours is set.
 */
export const LINK_LOCAL_V6 = "fe80::/112";

/**
 * OSPF (protocol 89, RFC 2328) and BFD over one hop (UDP 3784, RFC 5881), between the two ends of a link and no
 * further.
 */
export const ROUTING = [
  "ip saddr 169.254.0.0/16 ip protocol 89 accept",
  `ip6 saddr ${LINK_LOCAL_V6} meta l4proto 89 accept`,
  "ip saddr 169.254.0.0/16 ip ttl 255 udp dport 3784 accept",
  `ip6 saddr ${LINK_LOCAL_V6} ip6 hoplimit 255 udp dport 3784 accept`,
];

/**
 * The chain of what the host itself says. It keeps such a random address from being heard, since the neighbour's BFD
 * would hold on to it; `more`: further rules.
 */
export function outputChain(more: readonly string[] = []): string[] {
  return [
    "\tchain output {",
    "\t\ttype filter hook output priority filter; policy accept;",
    `\t\t${TO_TUNNEL} ip6 saddr fe80::/10 ip6 saddr != ${LINK_LOCAL_V6} drop`,
    ...more,
    "\t}",
  ];
}

/**
 * The chain for what comes by a tunnel: a source of the space has to lie behind a tunnel by this host's own routes, so
 * nobody speaks there as this host itself, as its LAN, or as what it has no way to (BCP 38, BCP 84: feasible reverse
 * path; a site may be heard by another tunnel than the one it is answered by). `fib` knows interfaces by name alone
 * (nft(8)): that another `wg-…` of the owner's leads into the space is not ruled out here.
 */
export function sourcesChain(space: { readonly v4: string; readonly v6: string }): string[] {
  return [
    "\tchain sources {",
    `\t\tip saddr ${space.v4} fib saddr oifname != "wg-*" drop`,
    `\t\tip6 saddr ${space.v6} fib saddr oifname != "wg-*" drop`,
    "\t}",
    "",
  ];
}

/**
 * The head of a file with a table of the project's own, up to its opening brace: loading the file replaces the whole
 * table in one transaction, and touches no other (nft(8): the first line makes a table to delete where there is none).
 */
export function replaceTable(name: string): string[] {
  return [
    "#!/usr/sbin/nft -f",
    `# ${MADE_BY}`,
    `table inet ${name}`,
    `delete table inet ${name}`,
    `table inet ${name} {`,
  ];
}

/** Matches of a packet's source, one a family; none where there are no prefixes. */
export function fromAnyOf(prefixes: readonly string[]): string[] {
  return ([4, 6] as const).flatMap((family) => {
    const own = prefixes.filter((prefix) => familyOf(prefix) === family);
    return own.length > 0 ? [`${family === 4 ? "ip" : "ip6"} saddr { ${own.join(", ")} }`] : [];
  });
}

/** A list of ports, in order and each once, as nft reads it. */
export function portSet(ports: readonly number[]): string {
  return `{ ${[...new Set(ports)].sort((a, b) => a - b).join(", ")} }`;
}

/** The head of the host's firewall. */
export const REPLACE_TABLE: readonly string[] = replaceTable("intranet");
