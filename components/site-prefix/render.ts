/** A site's public addresses and the rules for who reaches what at them. Pure. */
import { renderDeclaredScript, renderDeclaredUnit, renderTableUnit } from "../common/declared";
import { FROM_TUNNEL, NOT_TO_TUNNEL, replaceTable } from "../common/nftables";
import { lines } from "../common/text";
import { VISITOR_MARK } from "../policy-route/render";

/** The script that holds the addresses; also what its unit runs. */
export const PREFIX_SCRIPT = "/etc/intranet/site-prefix";
/** Its unit: what listens on the addresses starts after it. */
export const PREFIX_UNIT = "intranet-site-prefix.service";
/** What a drop-in has in its section [Unit], for what listens on the addresses. */
export const AFTER_SITE_PREFIX = ["[Unit]", `Wants=${PREFIX_UNIT}`, `After=${PREFIX_UNIT}`, ""] as const;
/** The rules for visitors. */
export const VISITOR_RULES = "/etc/intranet/public.nft";
/** The unit that loads them, before any interface is up. */
export const VISITOR_UNIT = "intranet-public.service";
/** Their table. */
export const VISITOR_TABLE = "intranet-public";

/** A service's address, which may be a placeholder, and its open TCP ports. */
export interface OpenService {
  readonly address: string;
  readonly ports: readonly number[];
}

/**
 * The script that holds the addresses. They are deprecated in the sense of RFC 4862: the host chooses none of them by
 * itself for what it sends, while whoever listens or speaks from one by name has it.
 */
export function renderPrefixScript(addresses: readonly string[]): string {
  return renderDeclaredScript({
    comment: "The public addresses of services on this host",
    state: "/run/intranet-site-prefix",
    declared: addresses.map((address) => `address ${address}/128`),
    words: ["what"],
    kinds: {
      address: {
        add: 'ip address replace "$2" dev lo preferred_lft 0',
        remove: 'ip address del "$2" dev lo || true',
      },
    },
  });
}

/** The script's unit: no address before its rules. */
export function renderPrefixUnit(): string {
  return renderDeclaredUnit({
    description: "Public addresses of this host's services",
    script: PREFIX_SCRIPT,
    after: [VISITOR_UNIT],
  });
}

/** The unit that loads the rules. */
export function renderVisitorUnit(): string {
  return renderTableUnit({ description: "Rules for visitors", rules: VISITOR_RULES, table: VISITOR_TABLE });
}

/**
 * The rules, in a table of their own. Who comes by a tunnel from outside the space is a visitor: the open ports answer,
 * and ping; the host's other services do not. Their connections are marked, so that what answers them goes back through
 * a tunnel, and is dropped where it would leave otherwise. Neighbours' link-local addresses are no visitors. Over IPv4
 * nobody comes from outside the space.
 */
export function renderVisitorRules(space: { v4: string; v6: string }, services: readonly OpenService[]): string {
  const open = services.flatMap(({ address, ports }) =>
    [...ports].sort((a, b) => a - b).map((port) => `${address} . ${port}`),
  );
  return lines(
    replaceTable(VISITOR_TABLE),
    "\tset open {",
    "\t\ttype ipv6_addr . inet_service",
    "\t\telements = {",
    open.map((entry) => `\t\t\t${entry},`),
    "\t\t}",
    "\t}",
    "",
    "\tchain input {",
    "\t\ttype filter hook input priority filter; policy accept;",
    `\t\t${FROM_TUNNEL} ip saddr != { 169.254.0.0/16, ${space.v4} } drop`,
    `\t\t${FROM_TUNNEL} ip6 saddr != { fe80::/10, ${space.v6} } goto visitors`,
    "\t}",
    "",
    "\tchain visitors {",
    "\t\tct state vmap { established : accept, related : accept, invalid : drop }",
    `\t\tip6 daddr . tcp dport @open ct mark set ${VISITOR_MARK} accept`,
    `\t\ticmpv6 type echo-request ct mark set ${VISITOR_MARK} accept`,
    "\t\tdrop",
    "\t}",
    "",
    "\tchain back {",
    "\t\ttype route hook output priority mangle; policy accept;",
    `\t\tct mark ${VISITOR_MARK} meta mark set ${VISITOR_MARK}`,
    "\t}",
    "",
    "\tchain leave {",
    "\t\ttype filter hook postrouting priority filter; policy accept;",
    `\t\tct mark ${VISITOR_MARK} ${NOT_TO_TUNNEL} oifname != "lo" drop`,
    "\t}",
    "}",
  );
}

/** What is compared on refresh of the addresses: nobody else on `lo` has any that are deprecated. */
export const LIVE_ADDRESSES = ["ip", "-6", "-brief", "address", "show", "dev", "lo", "deprecated"];
