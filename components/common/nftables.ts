/** What the rules of a site's host and of the sinkhole have in common. */
import { MADE_BY } from "./text";

/**
 * Where the IPv6 link-local addresses of our tunnels lie. Random ones never do (RFC 7217: 64 bits), such as
 * wireguard-go's interface has until ours is set.
 */
export const LINK_LOCAL_V6 = "fe80::/112";

/**
 * The chain of what the host itself says. It keeps such a random address from being heard, since the neighbour's BFD
 * would hold on to it; `more`: further rules.
 */
export function outputChain(more: readonly string[] = []): string[] {
  return [
    "\tchain output {",
    "\t\ttype filter hook output priority filter; policy accept;",
    `\t\toifname "wg-*" ip6 saddr fe80::/10 ip6 saddr != ${LINK_LOCAL_V6} drop`,
    ...more,
    "\t}",
  ];
}

/**
 * The chain for what comes by a tunnel: a source of the space has to lie behind a tunnel by this host's own routes, so
 * nobody speaks there as this host itself, as its LAN, or as what it has no way to (BCP 38, BCP 84: feasible reverse
 * path; a site may be heard by another tunnel than the one it is answered by).
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

/** The head of the host's firewall. */
export const REPLACE_TABLE: readonly string[] = replaceTable("intranet");
