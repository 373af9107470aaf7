/** Files that give a host its addresses in the intranet, and the rules for what it forwards. Pure. */
import type { Forwarding } from "../../model";
import { renderDeclaredScript, renderDeclaredUnit, renderTableUnit } from "../common/declared";
import { outputChain, REPLACE_TABLE, sourcesChain } from "../common/nftables";
import { lines, MADE_BY } from "../common/text";

/** The script that holds the addresses; also what its unit runs. */
export const IDENTITY_SCRIPT = "/etc/intranet/identity";
/** The unit that runs it: everything that uses the addresses starts after it. */
export const IDENTITY_UNIT = "intranet-identity.service";
/**
 * The head of a drop-in for what listens on an identity: it starts after the addresses are there, and is tried for
 * ever.
 */
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
/** What comes in by a tunnel and leaves by one. */
const BETWEEN_TUNNELS = 'iifname "wg-*" oifname "wg-*"';
/** Wins over the kernel's own route to an on-link prefix, whose metric is 256. */
const FIRST_METRIC = 128;

/** What a host's identity consists of. */
export interface Identity {
  /** Its addresses on `lo`, without length. */
  readonly v4: string;
  readonly v6: string;
  /** The supernets: what no tunnel carries at the moment is unreachable, and never goes out by the default route. */
  readonly space: { readonly v4: string; readonly v6: string };
  /**
   * Prefixes on a link, of which this host uses only its own addresses; the rest answers "unreachable". May hold
   * placeholders.
   */
  readonly unusedPrefixes?: readonly string[];
}

/** The script that holds the identity. */
export function renderIdentityScript(identity: Identity): string {
  return renderDeclaredScript({
    comment: "This host's addresses in the intranet. The space beyond the tunnels is unreachable",
    state: "/run/intranet-identity",
    declared: [
      `address ${identity.v4}/32`,
      `address ${identity.v6}/128`,
      `unreachable ${identity.space.v4} ${LAST_METRIC}`,
      `unreachable ${identity.space.v6} ${LAST_METRIC}`,
      ...(identity.unusedPrefixes ?? []).map((prefix) => `unreachable ${prefix} ${FIRST_METRIC}`),
    ],
    words: ["what", "metric"],
    kinds: {
      address: { add: 'ip address replace "$2" dev lo', remove: 'ip address del "$2" dev lo || true' },
      unreachable: {
        add: 'ip route replace unreachable "$2" metric "$3"',
        remove: 'ip route del unreachable "$2" metric "$3" || true',
      },
    },
    functions: [
      "# systemd-networkd reads its settings only when it starts; before that it would take our routes away with its next reload.",
      "heed() {",
      `\tsettings=${NETWORKD_CONFIG}`,
      '\t[ -e "$settings" ] && systemctl --quiet is-active systemd-networkd.service || return 0',
      "\tsince=$(systemctl show --value --timestamp=unix --property=ActiveEnterTimestamp systemd-networkd.service)",
      '\t[ "$(stat -c %Y "$settings")" -lt "${since#@}" ] || systemctl restart systemd-networkd.service',
      "}",
    ],
    first: ["heed"],
  });
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

/** The script's unit. */
export function renderIdentityUnit(): string {
  return renderDeclaredUnit({ description: "Addresses of this host in the intranet", script: IDENTITY_SCRIPT });
}

/** systemd-networkd's setting (networkd.conf(5)): it leaves routes and rules alone that it did not make. */
export function renderNetworkdConfig(): string {
  return lines(`# ${MADE_BY}`, "[Network]", "ManageForeignRoutes=no", "ManageForeignRoutingPolicyRules=no");
}

/** The unit that loads the rules. */
export function renderFirewallUnit(): string {
  return renderTableUnit({ description: "Firewall of the intranet", rules: FIREWALL_RULES, table: "intranet" });
}

/**
 * The rules of a site's host, in a table of their own: through its tunnels it forwards between addresses of the space
 * and nothing else; on a host that only passes on, what touches the LAN does not get in or out either. What does not
 * touch a tunnel is left to the host's own rules. The TCP segment size follows the way's MTU, for ICMP "too big" does
 * not arrive everywhere. With a public network (its prefix, and its bits as a number; may be placeholders) its packets
 * pass from tunnel to tunnel, and errors about them, which have this host's own address, leave by a tunnel or not at
 * all.
 */
export function renderForwardRules(
  space: { v4: string; v6: string },
  forwarding: Forwarding,
  publicNetwork?: { prefix: string; bits: string },
): string {
  const allowed = [
    `ip saddr ${space.v4} ip daddr ${space.v4} accept`,
    `ip6 saddr ${space.v6} ip6 daddr ${space.v6} accept`,
  ].map((rule) => (forwarding === "transit" ? `${BETWEEN_TUNNELS} ${rule}` : rule));
  if (publicNetwork)
    allowed.push(...["saddr", "daddr"].map((end) => `${BETWEEN_TUNNELS} ip6 ${end} ${publicNetwork.prefix} accept`));
  return lines(
    REPLACE_TABLE,
    "\tchain input {",
    "\t\ttype filter hook input priority filter; policy accept;",
    '\t\tiifname "wg-*" jump sources',
    "\t}",
    "",
    sourcesChain(space),
    "\tchain forward {",
    "\t\ttype filter hook forward priority filter; policy accept;",
    '\t\tiifname "wg-*" jump sources',
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
    outputChain(publicNetwork ? errorRules(publicNetwork.bits) : []),
    "}",
  );
}

/**
 * ICMPv6 errors (RFC 4443) carry the packet that they are about, with its source 16 bytes after their own beginning and
 * its destination 32.
 */
function errorRules(bits: string): string[] {
  const types = "{ destination-unreachable, packet-too-big, time-exceeded, parameter-problem }";
  return [128, 256].map(
    (offset) => `\t\toifname != "wg-*" oifname != "lo" icmpv6 type ${types} @th,${offset},64 ${bits} drop`,
  );
}
