/** Files that give a host its addresses in the intranet, and the rules for what it forwards. Pure. */
import type { Forwarding } from "../../model";
import { OWN_LINK_LOCALS, REPLACE_TABLE } from "../common/nftables";
import { lines, MADE_BY } from "../common/text";

/** The script that holds the addresses; also what its unit runs. */
export const IDENTITY_SCRIPT = "/etc/intranet/identity";
/** The unit that runs it: everything that uses the addresses starts after it. */
export const IDENTITY_UNIT = "intranet-identity.service";
/** The head of a drop-in for what listens on an identity: it starts after the addresses are there, and is tried for ever. */
export const AFTER_IDENTITY = [
  "[Unit]",
  `Wants=${IDENTITY_UNIT}`,
  `After=${IDENTITY_UNIT}`,
  "StartLimitIntervalSec=0",
  "",
] as const;
/** The rules of the firewall. */
export const FIREWALL_RULES = "/etc/intranet/firewall.nft";
/** The unit that loads them, before any interface is up. */
export const FIREWALL_UNIT = "intranet-firewall.service";
/** Keeps systemd-networkd, where it runs, from removing routes that it did not make. */
export const NETWORKD_CONFIG = "/etc/systemd/networkd.conf.d/60-intranet.conf";

/** Routes of the last resort: below everything that anybody else sets. */
const LAST_METRIC = 4000000000;
/** Wins over the kernel's own route to an on-link prefix, whose metric is 256. */
const FIRST_METRIC = 128;

/** What a host's identity consists of. */
export interface Identity {
  /** Its addresses on `lo`, without length. */
  readonly v4: string;
  readonly v6: string;
  /** The supernets: what no tunnel carries at the moment is unreachable, and never goes out by the default route. */
  readonly space: { readonly v4: string; readonly v6: string };
  /** Prefixes on a link, of which this host uses only its own addresses; the rest answers "unreachable". May hold placeholders. */
  readonly unusedPrefixes?: readonly string[];
}

/** A POSIX shell script: `start` sets what is declared and takes back what was declared before; `stop` takes all back. */
export function renderIdentityScript(identity: Identity): string {
  return lines(
    "#!/bin/sh",
    `# ${MADE_BY}`,
    "# This host's addresses in the intranet. The space beyond the tunnels is unreachable.",
    "set -eu",
    "state=/run/intranet-identity",
    "",
    "declared() {",
    "\tcat <<-'END'",
    `\t\taddress ${identity.v4}/32`,
    `\t\taddress ${identity.v6}/128`,
    `\t\tunreachable ${identity.space.v4} ${LAST_METRIC}`,
    `\t\tunreachable ${identity.space.v6} ${LAST_METRIC}`,
    (identity.unusedPrefixes ?? []).map((prefix) => `\t\tunreachable ${prefix} ${FIRST_METRIC}`),
    "\tEND",
    "}",
    "",
    "# systemd-networkd reads its settings only when it starts; before that it would take our routes away with its next reload.",
    "heed() {",
    `\tsettings=${NETWORKD_CONFIG}`,
    '\t[ -e "$settings" ] && systemctl --quiet is-active systemd-networkd.service || return 0',
    "\tsince=$(systemctl show --value --timestamp=unix --property=ActiveEnterTimestamp systemd-networkd.service)",
    '\t[ "$(stat -c %Y "$settings")" -lt "${since#@}" ] || systemctl restart systemd-networkd.service',
    "}",
    "",
    "add() {",
    "\tcase $1 in",
    '\taddress) ip address replace "$2" dev lo ;;',
    '\tunreachable) ip route replace unreachable "$2" metric "$3" ;;',
    "\tesac",
    "}",
    "",
    "remove() {",
    "\tcase $1 in",
    '\taddress) ip address del "$2" dev lo || true ;;',
    '\tunreachable) ip route del unreachable "$2" metric "$3" || true ;;',
    "\tesac",
    "}",
    "",
    'touch "$state"',
    "case ${1-} in",
    "start)",
    "\theed",
    '\tdeclared >"$state.new"',
    "\t;;",
    'stop) : >"$state.new" ;;',
    '*) echo "usage: $0 start|stop" >&2; exit 64 ;;',
    "esac",
    'while read -r kind what metric; do add "$kind" "$what" "$metric"; done <"$state.new"',
    '{ grep -Fxv -f "$state.new" "$state" || true; } | while read -r kind what metric; do remove "$kind" "$what" "$metric"; done',
    'mv "$state.new" "$state"',
    '[ "$1" != stop ] || rm "$state"',
  );
}

/** What is compared on refresh of one address on `lo`; others there are somebody else's. */
export function liveAddress(prefix: string): Record<string, { command: string[] }> {
  return { [`address ${prefix}`]: { command: ["ip", "-brief", "address", "show", "dev", "lo", "to", prefix] } };
}

/** The same of the unreachable prefixes of a family: those with our metrics. */
export function liveUnreachable(family: 4 | 6): { command: string[] } {
  const ours = `ip -${family} route show type unreachable | grep -E "metric (${FIRST_METRIC}|${LAST_METRIC})( |$)" | sort`;
  return { command: ["sh", "-c", ours] };
}

/** The unit of the script. It needs nothing but `lo`, so it also works where nothing manages the network. */
export function renderIdentityUnit(): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=Addresses of this host in the intranet",
    "After=systemd-sysctl.service network-pre.target",
    "Before=network.target",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    `ExecStart=/bin/sh ${IDENTITY_SCRIPT} start`,
    `ExecReload=/bin/sh ${IDENTITY_SCRIPT} start`,
    `ExecStop=/bin/sh ${IDENTITY_SCRIPT} stop`,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}

/** systemd-networkd's setting (networkd.conf(5)): it leaves routes and rules alone that it did not make. */
export function renderNetworkdConfig(): string {
  return lines(`# ${MADE_BY}`, "[Network]", "ManageForeignRoutes=no", "ManageForeignRoutingPolicyRules=no");
}

/**
 * The unit that loads the rules before any interface is up. It is not stopped at shutdown, where the network is still there.
 * What empties the ruleset (`nftables.service`) is followed by loading ours again.
 */
export function renderFirewallUnit(): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=Firewall of the intranet",
    "DefaultDependencies=no",
    "Wants=network-pre.target",
    "Before=network-pre.target",
    "After=local-fs.target nftables.service",
    "PartOf=nftables.service",
    "ReloadPropagatedFrom=nftables.service",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    `ExecStart=/usr/sbin/nft -f ${FIREWALL_RULES}`,
    `ExecReload=/usr/sbin/nft -f ${FIREWALL_RULES}`,
    "ExecStop=/usr/sbin/nft delete table inet intranet",
    "",
    "[Install]",
    "WantedBy=sysinit.target",
  );
}

/**
 * The rules of a site's host, in a table of their own: through its tunnels it forwards between addresses of the space and nothing
 * else; on a host that only passes on, what touches the LAN does not get in or out either. What does not touch a tunnel is left to the
 * host's own rules. The TCP segment size follows the way's MTU, for ICMP "too big" does not arrive everywhere.
 */
export function renderForwardRules(space: { v4: string; v6: string }, forwarding: Forwarding): string {
  const allowed = [
    `ip saddr ${space.v4} ip daddr ${space.v4} accept`,
    `ip6 saddr ${space.v6} ip6 daddr ${space.v6} accept`,
  ].map((rule) => (forwarding === "transit" ? `iifname "wg-*" oifname "wg-*" ${rule}` : rule));
  return lines(
    REPLACE_TABLE,
    "\tchain forward {",
    "\t\ttype filter hook forward priority filter; policy accept;",
    '\t\tiifname "wg-*" jump tunnels',
    '\t\toifname "wg-*" jump tunnels',
    "\t}",
    "",
    "\tchain tunnels {",
    forwarding === "none"
      ? []
      : [
          "\t\ttcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu",
          ...allowed.map((rule) => `\t\t${rule}`),
        ],
    "\t\tdrop",
    "\t}",
    "",
    OWN_LINK_LOCALS,
    "}",
  );
}
