/**
 * The tunnels: one interface, one UDP port and one pair of link-local addresses for each; from every site to the hub,
 * and between sites. Between two hosts there is one, and for the time of a change of keys a second one beside it.
 */
import * as constants from "./constants";
import { tunnelInterface } from "./name";
import type { HostPlan, LinkEnd, LinkPlan, PerFamily } from "./plan";
import { addressAt, formatAddress, parseAddress, parsePrefix } from "./prefix";
import type { IntranetSpec, LinkSpec } from "./spec";

/**
 * 169.254.0.0/16 without its first and last 256 addresses, which RFC 3927, section 2.1 keeps back; links count from its
 * start.
 */
const LINK_LOCAL_V4 = parsePrefix("169.254.0.0/16")!;
const FIRST_LINK_OFFSET = 256n;

/**
 * The MTU of a tunnel: the lesser of both ways to the Internet without what WireGuard adds, but never below what IPv6
 * needs.
 */
export function tunnelMtu(a: number, b: number): number {
  return Math.max(Math.min(a, b) - constants.TUNNEL_OVERHEAD, constants.MIN_TUNNEL_MTU);
}

/**
 * The two IPv4 link-local addresses of the tunnel with that number, the listening end's first. Disjoint for different
 * numbers.
 */
export function linkLocalPair(id: number): [string, string] {
  const first = FIRST_LINK_OFFSET + 2n * BigInt(id);
  return [formatAddress(addressAt(LINK_LOCAL_V4, first)), formatAddress(addressAt(LINK_LOCAL_V4, first + 1n))];
}

/** The name of a tunnel, by its listening and its dialling host. */
export function linkName(listening: string, dialling: string): string {
  return `${listening}-${dialling}`;
}

/** The links between sites; the others only say how a site's link to the hub differs. */
export function siteLinks(spec: Partial<IntranetSpec>): LinkSpec[] {
  return (spec.links ?? []).filter((link) => link.to !== constants.HUB);
}

/** What a tunnel is made from; `ports` are those of the first and of the second tunnel between the two hosts. */
interface LinkParts {
  readonly id: number;
  readonly a: string;
  readonly b: string;
  readonly ports: readonly [number, number?];
  readonly described: LinkSpec | undefined;
}

/** All tunnels; another site or another tunnel changes none of the others. */
export function planLinks(
  spec: IntranetSpec,
  ids: { hosts: ReadonlyMap<string, number>; links: ReadonlyMap<string, number> },
  hosts: Readonly<Record<string, HostPlan>>,
): LinkPlan[] {
  const hub = constants.HUB;
  const toHub = Object.keys(spec.sites).map((site): LinkParts => {
    const id = ids.hosts.get(site)!;
    const described = (spec.links ?? []).find((link) => link.from === site && link.to === hub);
    return { id, a: hub, b: site, ports: [constants.LINK_PORT_BASE + id, constants.SECOND_PORT_BASE + id], described };
  });
  const between = siteLinks(spec).map((link): LinkParts => {
    const id = ids.links.get(linkName(link.to, link.from))!;
    const { port, sparePort } = link.endpoint!;
    return { id, a: link.to, b: link.from, ports: [port, sparePort], described: link };
  });
  return [...toHub, ...between].map((parts) => planLink(parts, spec, hosts));
}

function planLink(parts: LinkParts, spec: IntranetSpec, hosts: Readonly<Record<string, HostPlan>>): LinkPlan {
  const { a, b, described } = parts;
  const { keyVersion = 1, drained = false } = described ?? {};
  const [first, second] = parts.ports;
  const slot = second !== undefined && keyVersion % 2 === 0 ? 2 : 1;
  const [v4A, v4B] = linkLocalPair(slot === 1 ? parts.id : constants.SECOND_LINK_IDS + parts.id);
  const listenPort = slot === 1 ? first : second!;
  const end = (host: string, peer: string, v4: string, v6: string): LinkEnd => ({
    host,
    interface: tunnelInterface(peer, slot),
    v4,
    v6,
    routes: identityPrefixes(hosts[peer]!.identity),
  });
  const other = slot === 1 ? 2 : 1;
  return {
    name: linkName(a, b),
    mtu: tunnelMtu(underlayMtu(spec, a), underlayMtu(spec, b)),
    a: { ...end(a, b, v4A, constants.HUB_LINK_LOCAL), listenPort },
    b: end(b, a, v4B, constants.SITE_LINK_LOCAL),
    ...(described?.endpoint
      ? { endpoint: { address: formatAddress(parseAddress(described.endpoint.address)!), port: listenPort } }
      : {}),
    ports: second === undefined ? [first] : [first, second],
    keyVersion,
    slot,
    ...(second === undefined ? {} : { other: { a: tunnelInterface(b, other), b: tunnelInterface(a, other) } }),
    drained,
    cost: drained ? constants.DRAINED_COST : (described?.cost ?? constants.DEFAULT_COST),
    area: described?.area ?? constants.BACKBONE_AREA,
  };
}

function identityPrefixes(identity: PerFamily): string[] {
  return [`${identity.v4}/32`, `${identity.v6}/128`];
}

function underlayMtu(spec: IntranetSpec, host: string): number {
  return host === constants.HUB
    ? (spec.sinkhole.underlayMtu ?? constants.HUB_UNDERLAY_MTU)
    : (spec.sites[host]!.underlayMtu ?? constants.DEFAULT_UNDERLAY_MTU);
}
