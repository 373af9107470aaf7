/** The sinkhole's firewall: closed, but for the denied page, SSH, the tunnels' ports and ICMP. Pure. */
import { GUEST_PREFIX } from "../../model";
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
  TO_TUNNEL,
} from "../common/nftables";
import { lines } from "../common/text";

/** What the rules depend on. */
export interface SinkholeFirewall {
  /** The supernets: they exist in the tunnels alone. */
  readonly space: { readonly v4: string; readonly v6: string };
  /** WireGuard's ports. */
  readonly udpPorts: readonly number[];
  /** The interface that devices come in by; every other tunnel is a link to a router. */
  readonly deviceInterface: string;
  /** Prefixes of the space that may open SSH by a tunnel; none: nobody does. */
  readonly management: readonly string[];
  /** Whether a device reaches other devices. */
  readonly devicesReachEachOther: boolean;
  /** What visitors from the Internet are let through to; absent: nothing. */
  readonly published?: PublishedAddresses;
}

/** The public services at a host's addresses; texts may be placeholders. */
export interface PublishedAddresses {
  /** The /64 that all of them lie in: nothing with a source in it comes from the Internet. */
  readonly network: string;
  /** Each service's address with its TCP ports; at least one service. */
  readonly services: readonly { readonly address: string; readonly ports: readonly number[] }[];
  /** TCP ports of the host's IPv4 address at which names lead to services, beside 80 and 443. */
  readonly guestPorts: readonly number[];
  /** Whether the cloud asks for each address by neighbour discovery, and may do so from an address of the /64. */
  readonly onLink: boolean;
}

/** ICMPv6 that IPv6 cannot do without (RFC 4890, section 4.4.1), and ping. */
const ICMPV6 = [
  "destination-unreachable",
  "packet-too-big",
  "time-exceeded",
  "parameter-problem",
  "echo-request",
  "mld-listener-query",
  "nd-router-advert",
  "nd-neighbor-solicit",
  "nd-neighbor-advert",
];

/** ICMPv6 for a host behind this one: errors (RFC 4890, section 4.3.1), and ping. */
const ICMPV6_THROUGH = ICMPV6.slice(0, 5);

const sorted = (ports: readonly number[]): number[] => [...new Set(ports)].sort((a, b) => a - b);

/** The rules for public services, each a part of a chain; empty without any. */
interface PublishedRules {
  readonly input: readonly string[];
  readonly accepted: readonly string[];
  readonly tunnels: readonly string[];
  /** Of packets from the Internet. */
  readonly visitors: readonly string[];
  /** Of packets from tunnels. */
  readonly served: readonly string[];
  readonly chain: readonly string[];
}

/**
 * What public services add. From the Internet their own ports are reached, and ping; what they say themselves gets out,
 * to everybody. Addresses of guests exist between this host and the tunnels alone, so none ever comes from the Internet
 * or goes there. Nor do sources of the /64 come from there. What comes over a tunnel for a guest is an answer to this
 * host's own proxy, or nothing.
 */
function publishedRules({ space, published }: SinkholeFirewall): PublishedRules {
  if (!published)
    return { input: [], accepted: [], tunnels: [], visitors: [`${NOT_FROM_TUNNEL} drop`], served: [], chain: [] };
  const { network, services, guestPorts, onLink } = published;
  const addresses = `{ ${services.map(({ address }) => address).join(", ")} }`;
  const ports = services.flatMap((service) => sorted(service.ports).map((port) => `${service.address} . ${port}`));
  const discovery = `ip6 saddr ${network} icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept`;
  const notOurs = [
    `ip6 saddr ${GUEST_PREFIX} drop`,
    `ip6 daddr ${GUEST_PREFIX} drop`,
    ...(onLink ? [discovery] : []),
    `ip6 saddr ${network} drop`,
  ];
  return {
    input: notOurs,
    accepted: guestPorts.length > 0 ? [`meta nfproto ipv4 tcp dport ${portSet(guestPorts)} accept`] : [],
    tunnels: [
      `ip6 saddr ${addresses} ip6 daddr ${GUEST_PREFIX} ct state { established, related } accept`,
      `ip6 saddr ${space.v6} ip6 daddr ${GUEST_PREFIX} ct state related accept`,
      `ip6 daddr ${GUEST_PREFIX} drop`,
      `ip6 saddr ${network} ct state { established, related } accept`,
    ],
    visitors: [`ip6 saddr ${GUEST_PREFIX} drop`, `ip6 daddr ${GUEST_PREFIX} drop`, `${NOT_FROM_TUNNEL} goto visitors`],
    served: [
      `${TO_TUNNEL} ip6 saddr ${addresses} ip6 daddr ${addresses} accept`,
      `${TO_TUNNEL} ip6 saddr ${addresses} ip6 daddr ${space.v6} accept`,
      `${TO_TUNNEL} ip6 saddr ${space.v6} ip6 daddr ${addresses} accept`,
      `${NOT_TO_TUNNEL} ip6 saddr ${addresses} ip6 daddr != ${space.v6} accept`,
    ],
    chain: [
      "\tchain visitors {",
      `\t\tip6 saddr ${network} drop`,
      `\t\tip6 saddr ${space.v6} drop`,
      `\t\t${TO_TUNNEL} ip6 daddr ${addresses} jump through`,
      "\t\tdrop",
      "\t}",
      "",
      "\tchain through {",
      "\t\tct state vmap { established : accept, related : accept, invalid : drop }",
      `\t\tip6 daddr . tcp dport { ${ports.join(", ")} } accept`,
      `\t\ticmpv6 type { ${ICMPV6_THROUGH.join(", ")} } accept`,
      "\t}",
      "",
    ],
  };
}

/**
 * A tunnel's port at which nothing listens yet says nothing, like one at which WireGuard does; nothing else is open
 * where nobody listens.
 */
const SILENT = [
  "icmp type destination-unreachable icmp code port-unreachable",
  "icmpv6 type destination-unreachable icmpv6 code port-unreachable",
].map((error) => `\t\toifname != "lo" ${NOT_TO_TUNNEL} ${error} drop`);

/**
 * The whole table, replaced in one transaction when it is loaded. It holds no counters, so that what the kernel lists
 * is the same as long as nobody changes it. Packets of the space that arrive from outside a tunnel are dropped before
 * anything else, also replies: no static route of a neighbour's leads through this host or to its identity. A device is
 * taken by its own addresses alone, and reaches other devices only where that is wanted. Between routers, ways there
 * and back may differ, so a link is held to what lies behind tunnels; and routing is spoken on links alone. By a tunnel
 * SSH is reached from those prefixes of the management that lie in the space. Who may open SSH from the Internet is for
 * the cloud's firewall alone to say: that one can be changed from an address that is new to it, while a rule here would
 * need the very login that it refuses. The server knows no passwords.
 */
export function renderSinkholeRules(firewall: SinkholeFirewall): string {
  const { space } = firewall;
  const published = publishedRules(firewall);
  const indented = (rules: readonly string[]): string[] => rules.map((rule) => `\t\t${rule}`);
  const { deviceInterface } = firewall;
  const devices = [
    `\t\tiifname "${deviceInterface}" fib saddr . iif oif missing drop`,
    // And nobody else is a device.
    `\t\tiifname != "${deviceInterface}" fib saddr oifname "${deviceInterface}" drop`,
  ];
  const management = fromAnyOf(firewall.management).map((from) => `\t\t${from} tcp dport 22 accept`);
  return lines(
    REPLACE_TABLE,
    "\tchain input {",
    "\t\ttype filter hook input priority filter; policy drop;",
    '\t\tiifname "lo" accept',
    `\t\t${FROM_TUNNEL} goto tunnels`,
    `\t\tip saddr ${space.v4} drop`,
    `\t\tip daddr ${space.v4} drop`,
    `\t\tip6 saddr ${space.v6} drop`,
    `\t\tip6 daddr ${space.v6} drop`,
    indented(published.input),
    "\t\tct state vmap { established : accept, related : accept, invalid : drop }",
    "\t\ticmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept",
    `\t\ticmpv6 type { ${ICMPV6.join(", ")} } accept`,
    "\t\tudp sport 67 udp dport 68 accept",
    "\t\tip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
    "\t\ttcp dport { 22, 80, 443 } accept",
    indented(published.accepted),
    firewall.udpPorts.length > 0 ? `\t\tudp dport ${portSet(firewall.udpPorts)} accept` : [],
    "\t}",
    "",
    "\tchain tunnels {",
    devices,
    "\t\tjump sources",
    indented(published.tunnels),
    `\t\tip saddr != { 169.254.0.0/16, ${space.v4} } drop`,
    `\t\tip6 saddr != { ${LINK_LOCAL_V6}, ${space.v6} } drop`,
    `\t\tiifname != "${firewall.deviceInterface}" jump routing`,
    "\t\tct state vmap { established : accept, related : accept, invalid : drop }",
    "\t\tmeta l4proto { icmp, ipv6-icmp } accept",
    management,
    `\t\tip saddr ${space.v4} tcp dport { 80, 443 } accept`,
    `\t\tip6 saddr ${space.v6} tcp dport { 80, 443 } accept`,
    "\t\treject with icmpx admin-prohibited",
    "\t}",
    "",
    sourcesChain(space),
    "\tchain routing {",
    indented(ROUTING),
    "\t}",
    "",
    "\tchain forward {",
    "\t\ttype filter hook forward priority filter; policy drop;",
    "\t\ttcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu",
    indented(published.visitors),
    devices,
    `\t\t${FROM_TUNNEL} jump sources`,
    firewall.devicesReachEachOther
      ? []
      : `\t\tiifname "${deviceInterface}" oifname "${deviceInterface}" reject with icmpx admin-prohibited`,
    `\t\t${TO_TUNNEL} ip saddr ${space.v4} ip daddr ${space.v4} accept`,
    `\t\t${TO_TUNNEL} ip6 saddr ${space.v6} ip6 daddr ${space.v6} accept`,
    indented(published.served),
    "\t\treject with icmpx admin-prohibited",
    "\t}",
    "",
    published.chain,
    outputChain(SILENT),
    "}",
  );
}
