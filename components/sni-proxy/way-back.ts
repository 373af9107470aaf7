/** How answers to guests find back: packet rules, and a unit that loads them with a routing rule. Pure. */
import { GUEST_PREFIX } from "../../model";
import { FROM_TUNNEL, TO_TUNNEL } from "../common/nftables";
import { lines, MADE_BY } from "../common/text";
import type { NamedService } from "./nginx";

/** The rules. */
export const WAY_BACK_RULES = "/etc/intranet/guests.nft";
/** The unit that loads them, and sets the route. */
export const WAY_BACK_UNIT = "intranet-guests.service";
/** The mark of answers to guests, and the table that such packets are delivered by. */
const MARK = "0x6496";
const TABLE = 6496;
/** Before the rules that send by source (PolicyRoute), and before the main table. */
const PREFERENCE = 90;

/**
 * Marks what comes back to the proxy's own connections: with nginx packets of a transparent socket (`socket
 * transparent`, nft(8)); with snid, whose sockets are not, answers of connections that were made from here. Only those
 * are delivered on this host, so nothing else of it answers at a guest's address. And with a guest's address as source
 * leaves what goes to a port that the stack publishes, through a tunnel, and nothing else.
 */
export function renderWayBackRules(services: readonly NamedService[], engine: "nginx" | "snid"): string {
  const own = engine === "nginx" ? "socket transparent 1" : "ct direction reply ct state { established, related }";
  const targets = services.flatMap(({ address, ports }) => ports.map((port) => `${address} . ${port}`));
  return lines(
    "#!/usr/sbin/nft -f",
    `# ${MADE_BY}`,
    "table inet intranet-guests",
    "delete table inet intranet-guests",
    "table inet intranet-guests {",
    "\tchain prerouting {",
    "\t\ttype filter hook prerouting priority mangle; policy accept;",
    `\t\t${FROM_TUNNEL} ip6 daddr ${GUEST_PREFIX} ${own} meta mark set ${MARK}`,
    "\t}",
    "",
    "\tchain output {",
    "\t\ttype filter hook output priority filter; policy accept;",
    targets.length > 0
      ? `\t\t${TO_TUNNEL} ip6 saddr ${GUEST_PREFIX} ip6 daddr . tcp dport { ${targets.join(", ")} } accept`
      : [],
    `\t\tip6 saddr ${GUEST_PREFIX} drop`,
    "\t}",
    "}",
  );
}

/** The unit: rules, then the rule and the route that deliver what is marked. */
export function renderWayBackUnit(): string {
  const rule = `pref ${PREFERENCE} fwmark ${MARK} lookup ${TABLE}`;
  const load = [
    `/usr/sbin/nft -f ${WAY_BACK_RULES}`,
    `/usr/sbin/ip -6 route replace local ::/0 dev lo table ${TABLE}`,
    // A rule that is there already is an error, and no harm.
    `-/usr/sbin/ip -6 rule add ${rule}`,
  ];
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=The way back to IPv4 guests",
    "After=network-pre.target nftables.service intranet-firewall.service",
    "Before=network.target nginx.service",
    "PartOf=nftables.service",
    "ReloadPropagatedFrom=nftables.service",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    load.map((command) => `ExecStart=${command}`),
    load.map((command) => `ExecReload=${command}`),
    `ExecStop=-/usr/sbin/ip -6 rule del ${rule}`,
    `ExecStop=-/usr/sbin/ip -6 route flush table ${TABLE}`,
    "ExecStop=-/usr/sbin/nft delete table inet intranet-guests",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}

/** What is compared on refresh. */
export const WAY_BACK_LIVE: Readonly<Record<string, { command: string[] }>> = {
  "table inet intranet-guests": { command: ["nft", "list", "table", "inet", "intranet-guests"] },
  "rule of the way back to guests": { command: ["ip", "-6", "rule", "show", "pref", String(PREFERENCE)] },
  "route of the way back to guests": { command: ["ip", "-6", "route", "show", "table", String(TABLE)] },
};
