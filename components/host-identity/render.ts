/** Files that give a host its addresses in the intranet, and the rules for what it forwards. Pure. */
import type { Forwarding } from "../../model";
import { renderDeclaredScript, renderDeclaredUnit, renderTableUnit } from "../common/declared";
import {
  FROM_TUNNEL,
  fromAnyOf,
  LINK_LOCAL_V6,
  NOT_FROM_TUNNEL,
  NOT_TO_TUNNEL,
  outputChain,
  portSet,
  REPLACE_TABLE,
  ROUTING,
  sourcesChain,
  STARTING,
  TO_TUNNEL,
  TUNNEL_GROUP,
} from "../common/nftables";
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
const BETWEEN_TUNNELS = `${FROM_TUNNEL} ${TO_TUNNEL}`;
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

/**
 * Puts tunnels that are there into their group, by which the rules know them: those that stand since before there were
 * groups, and one that another hand has taken out. `$$`: systemd.service(5).
 */
const GROUP_TUNNELS = `/bin/sh -c 'for up in /etc/wireguard/wg-*.up; do ip link set dev "$$(basename "$$up" .up)" group ${TUNNEL_GROUP}; done 2>/dev/null'`;

/** The unit that loads the rules. */
export function renderFirewallUnit(): string {
  return renderTableUnit({
    description: "Firewall of the intranet",
    rules: FIREWALL_RULES,
    table: "intranet",
    first: GROUP_TUNNELS,
  });
}

/** What a host itself answers over its tunnels, beside ping. */
export interface TunnelAnswers {
  /** TCP ports that the space reaches. */
  readonly tcp: readonly number[];
  /** UDP ports that the space reaches. */
  readonly udp: readonly number[];
  /** The port of its SSH, and the prefixes of the space that reach it. */
  readonly management: { readonly port: number; readonly from: readonly string[] };
}

/** The rules of a site's host, but for the space. */
export interface ForwardRules {
  readonly forwarding: Forwarding;
  /** Its prefix, and its bits as a number; may be placeholders. Absent: there is none. */
  readonly publicNetwork?: { readonly prefix: string; readonly bits: string };
  /** Absent: everything that listens. */
  readonly answers?: TunnelAnswers;
}

/**
 * The rules of a site's host, in a table of their own: through its tunnels it forwards between addresses of the space
 * and nothing else; on a host that only passes on, what touches the LAN does not get in or out either. What does not
 * touch a tunnel is left to the host's own rules. The TCP segment size follows the way's MTU, for ICMP "too big" does
 * not arrive everywhere. With a public network its packets pass from tunnel to tunnel, and errors about them, which
 * have this host's own address, leave by a tunnel or not at all.
 */
export function renderForwardRules(
  space: { v4: string; v6: string },
  { forwarding, publicNetwork, answers }: ForwardRules,
): string {
  const allowed = [
    `ip saddr ${space.v4} ip daddr ${space.v4} accept`,
    `ip6 saddr ${space.v6} ip6 daddr ${space.v6} accept`,
  ].map((rule) => (forwarding === "transit" ? `${BETWEEN_TUNNELS} ${rule}` : rule));
  if (publicNetwork)
    allowed.push(...["saddr", "daddr"].map((end) => `${BETWEEN_TUNNELS} ip6 ${end} ${publicNetwork.prefix} accept`));
  return lines(
    REPLACE_TABLE,
    `\tset ${STARTING} {`,
    "\t\ttype ifname",
    "\t}",
    "",
    "\tchain input {",
    "\t\ttype filter hook input priority filter; policy accept;",
    `\t\tiifname @${STARTING} ${NOT_FROM_TUNNEL} drop`,
    `\t\t${FROM_TUNNEL} jump sources`,
    answers ? `\t\t${FROM_TUNNEL} goto answers` : [],
    "\t}",
    "",
    answers ? answersChain(space, answers, publicNetwork?.prefix) : [],
    sourcesChain(space),
    "\tchain forward {",
    "\t\ttype filter hook forward priority filter; policy accept;",
    `\t\tiifname @${STARTING} ${NOT_FROM_TUNNEL} drop`,
    `\t\t${FROM_TUNNEL} jump sources`,
    `\t\t${FROM_TUNNEL} jump tunnels`,
    `\t\t${TO_TUNNEL} jump tunnels`,
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
 * What the host itself answers to whoever comes by a tunnel: what is open, ping, its neighbours' routing, and SSH to
 * where it is managed from. Visitors to its public addresses have rules of their own, in a table of their own.
 */
function answersChain(space: { v4: string; v6: string }, answers: TunnelAnswers, publicNetwork?: string): string[] {
  const { tcp, udp, management } = answers;
  const inside = fromAnyOf([space.v4, space.v6]);
  const open = (protocol: string, ports: readonly number[]): string[] =>
    ports.length === 0 ? [] : inside.map((from) => `${from} ${protocol} dport ${portSet(ports)} accept`);
  const rules = [
    "ct state vmap { established : accept, related : accept, invalid : drop }",
    ...ROUTING,
    ...(publicNetwork === undefined ? [] : [`ip6 saddr != ${space.v6} ip6 daddr ${publicNetwork} accept`]),
    `ip saddr != { 169.254.0.0/16, ${space.v4} } drop`,
    `ip6 saddr != { ${LINK_LOCAL_V6}, ${space.v6} } drop`,
    "meta l4proto { icmp, ipv6-icmp } accept",
    ...open("tcp", tcp),
    ...open("udp", udp),
    ...fromAnyOf(management.from).map((from) => `${from} tcp dport ${management.port} accept`),
    "reject with icmpx admin-prohibited",
  ];
  return ["\tchain answers {", ...rules.map((rule) => `\t\t${rule}`), "\t}", ""];
}

/**
 * ICMPv6 errors (RFC 4443) carry the packet that they are about, with its source 16 bytes after their own beginning and
 * its destination 32.
 */
function errorRules(bits: string): string[] {
  const types = "{ destination-unreachable, packet-too-big, time-exceeded, parameter-problem }";
  return [128, 256].map(
    (offset) => `\t\t${NOT_TO_TUNNEL} oifname != "lo" icmpv6 type ${types} @th,${offset},64 ${bits} drop`,
  );
}
