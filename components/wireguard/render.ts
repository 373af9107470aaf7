/**
 * WireGuard's files for wg-quick(8): configuration, addresses and routes, and what systemd needs beside Debian's unit.
 * Pure.
 */
import { AFTER_IDENTITY } from "../host-identity/render";
import { STARTING, TUNNEL_GROUP } from "../common/nftables";
import { familyOf, lines, MADE_BY } from "../common/text";

/** The interface's configuration. */
export function configPath(interfaceName: string): string {
  return `/etc/wireguard/${interfaceName}.conf`;
}

/** The script that sets the interface's addresses and routes. */
export function scriptPath(interfaceName: string): string {
  return `/etc/wireguard/${interfaceName}.up`;
}

/** Debian's unit for the interface. */
export function unitName(interfaceName: string): string {
  return `wg-quick@${interfaceName}.service`;
}

/** What is added to that unit. */
export function dropInPath(interfaceName: string): string {
  return `/etc/systemd/system/${unitName(interfaceName)}.d/intranet.conf`;
}

/** A peer's section. Keys and endpoints may be placeholders: `{{peer_public_key}}`. */
export interface PeerSection {
  /** Whom it is, for the comment. */
  readonly name: string;
  readonly publicKey: string;
  /** `address:port`, IPv6 in brackets; absent: the peer dials. */
  readonly endpoint?: string;
  /** The source addresses that are taken from this peer. */
  readonly allowedIps: readonly string[];
  /** Seconds between packets that keep a NAT open; absent: none. */
  readonly keepalive?: number;
}

/** An interface's configuration. */
export interface InterfaceConfig {
  readonly interface: string;
  /** The UDP port; absent: any, for an end that dials. */
  readonly listenPort?: number;
  readonly mtu: number;
  readonly peers: readonly PeerSection[];
}

function peerSection(peer: PeerSection): string[] {
  return [
    "",
    "[Peer]",
    `# ${peer.name}`,
    `PublicKey = ${peer.publicKey}`,
    ...(peer.endpoint === undefined ? [] : [`Endpoint = ${peer.endpoint}`]),
    `AllowedIPs = ${peer.allowedIps.join(", ")}`,
    ...(peer.keepalive === undefined ? [] : [`PersistentKeepalive = ${peer.keepalive}`]),
  ];
}

/**
 * The configuration, with `{{private_key}}` as a placeholder. `Table = off`: AllowedIPs only authenticate, routes are
 * set apart, by the script. The private key stands in the file itself, so that `wg syncconf` on a reload keeps it.
 */
export function renderInterface(config: InterfaceConfig): string {
  return lines(
    `# ${MADE_BY}`,
    "[Interface]",
    "PrivateKey = {{private_key}}",
    config.listenPort === undefined ? [] : `ListenPort = ${config.listenPort}`,
    "Table = off",
    `MTU = ${config.mtu}`,
    `PreUp = nft add element inet intranet ${STARTING} '{ "${config.interface}" }' 2>/dev/null || true`,
    `PostUp = /bin/sh ${scriptPath(config.interface)}`,
    config.peers.flatMap(peerSection),
  );
}

/** An interface's addresses and what lies behind it. */
export interface InterfaceRoutes {
  readonly interface: string;
  readonly mtu: number;
  /** A point-to-point pair (`peer`), or an address with its length. */
  readonly addresses: readonly ({ readonly local: string; readonly peer: string } | { readonly address: string })[];
  /** Prefixes of both families behind the interface. */
  readonly routes: readonly string[];
  /** The routes' metric; absent: the kernel's own, which wins over a routing daemon's. */
  readonly metric?: number;
  /** The sources of what this host itself sends there. */
  readonly source: { readonly v4: string; readonly v6: string };
  /**
   * Whether an answer may leave by another interface than the question came by (rp_filter 2, ip-sysctl), as on links
   * between routers.
   */
  readonly asymmetric: boolean;
}

/**
 * What a tunnel never does, by the kernel's settings (ip-sysctl): it takes no address and no route from router
 * advertisements, follows no redirect, and sends none, which needs both `all` and the interface.
 */
const NEVER = ["ipv6 accept_ra", "ipv6 accept_redirects", "ipv4 accept_redirects", "ipv4 send_redirects"];

/**
 * Puts the tunnel into the group by which the host's rules know it; until then they let nothing of it through where
 * they are loaded. Sets what the tunnel never does, MTU, addresses and routes; run when the interface comes up and on
 * every reload, so a changed route cuts no session. Addresses that are not ours go: wireguard-go's interface has a
 * random link-local one. Where they are right already they are left alone, for a routing daemon drops its neighbours
 * with an address.
 */
export function renderScript(config: InterfaceRoutes): string {
  const dev = config.interface;
  const addresses = config.addresses.map((entry) =>
    "peer" in entry
      ? `ip address add ${entry.local} peer ${entry.peer}/32 dev ${dev}`
      : `ip address add ${entry.address} dev ${dev}${familyOf(entry.address) === 6 ? " nodad" : ""}`,
  );
  const shown = config.addresses.map((entry) =>
    "peer" in entry ? `${entry.local} peer ${entry.peer}/32` : entry.address,
  );
  const routes = config.routes.map((prefix) => {
    const source = familyOf(prefix) === 6 ? config.source.v6 : config.source.v4;
    const metric = config.metric === undefined ? "" : ` metric ${config.metric}`;
    return `ip route add ${prefix} dev ${dev} proto static src ${source}${metric}`;
  });
  return lines(
    "#!/bin/sh",
    `# ${MADE_BY}`,
    "set -eu",
    `ip link set dev ${dev} group ${TUNNEL_GROUP}`,
    `nft delete element inet intranet ${STARTING} '{ "${dev}" }' 2>/dev/null || true`,
    `for setting in ${NEVER.map((setting) => setting.replace(" ", `/conf/${dev}/`)).join(" ")}; do`,
    '\techo 0 >"/proc/sys/net/$setting"',
    "done",
    `ip link set dev ${dev} mtu ${config.mtu} addrgenmode none`,
    // Ours, and what somebody added by hand.
    ["static", "boot"].flatMap((origin) =>
      [4, 6].map((family) => `ip -${family} route flush dev ${dev} proto ${origin}`),
    ),
    config.asymmetric ? `echo 2 >/proc/sys/net/ipv4/conf/${dev}/rp_filter` : [],
    `set -- $(ip -brief address show dev ${dev})`,
    "shift 2",
    `if [ "$*" != "${shown.join(" ")}" ]; then`,
    `\tip address flush dev ${dev}`,
    addresses.map((command) => `\t${command}`),
    "fi",
    routes,
  );
}

/** What finds the ways through tunnels, where the host has it. */
const ROUTING_DAEMON = "bird.service";

/**
 * Starts the interface after the host's identity, tries again after a failure, and lets a reload set addresses and
 * routes too. When the host boots the routing daemon starts after it: one that finds the interface between its start
 * and its script takes wireguard-go's random link-local address for the interface's, and may keep to it.
 */
export function renderDropIn(interfaceName: string): string {
  return lines(
    `# ${MADE_BY}`,
    ...AFTER_IDENTITY.slice(0, -1),
    `Before=${ROUTING_DAEMON}`,
    "",
    "[Service]",
    `ExecReload=/bin/sh ${scriptPath(interfaceName)}`,
    "Restart=on-failure",
    "RestartSec=5s",
  );
}

/**
 * Peers with what each may send; sorted, for WireGuard gives them in any order (wireguard-go in another one each time).
 */
const PEERS =
  'peers=$(wg show "$1" allowed-ips) && alive=$(wg show "$1" persistent-keepalive) && printf "%s\\n%s\\n" "$peers" "$alive" | sort';
/** The public half of its key, and where it listens; an end that only dials takes any port. */
const SELF = 'for what; do printf "%s: " "$what"; wg show "$0" "$what" || exit 1; done';
/**
 * Routes of every origin but the kernel's own and a routing daemon's: nobody else has any business on a tunnel of ours.
 */
const ROUTES = 'routes=$(ip "$1" route show dev "$2") && { echo "$routes" | grep -vE "proto (kernel|bird)" || true; }';

/**
 * What is compared on refresh: the interface, the peers that the kernel knows, addresses, and routes. None of it holds
 * a secret or a counter.
 */
export function liveState(interfaceName: string, listens: boolean): Record<string, { command: string[] }> {
  const routes = (family: string): { command: string[] } => ({
    command: ["sh", "-c", ROUTES, "routes", family, interfaceName],
  });
  return {
    [`group of ${interfaceName}`]: { command: ["cat", `/sys/class/net/${interfaceName}/netdev_group`] },
    [`WireGuard of ${interfaceName}`]: {
      command: ["sh", "-c", SELF, interfaceName, "public-key", ...(listens ? ["listen-port"] : [])],
    },
    [`peers of ${interfaceName}`]: { command: ["sh", "-c", PEERS, "peers", interfaceName] },
    [`addresses of ${interfaceName}`]: { command: ["ip", "-brief", "address", "show", "dev", interfaceName] },
    [`IPv4 routes of ${interfaceName}`]: routes("-4"),
    [`IPv6 routes of ${interfaceName}`]: routes("-6"),
  };
}
