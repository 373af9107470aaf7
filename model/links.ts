/** The tunnels: hub and spoke, one interface, one UDP port and one pair of link-local addresses for each site. */
import * as constants from "./constants";
import { tunnelInterface } from "./name";
import type { HostPlan, LinkPlan, PerFamily } from "./plan";
import { addressAt, formatAddress, formatPrefix, hostPrefix, parseAddress, parsePrefix } from "./prefix";
import type { IntranetSpec, SiteSpec } from "./spec";

/** 169.254.0.0/16 without its first and last 256 addresses, which RFC 3927, section 2.1 keeps back; links count from its start. */
const LINK_LOCAL_V4 = parsePrefix("169.254.0.0/16")!;
const FIRST_LINK_OFFSET = 256n;

/** The MTU of a tunnel: the lesser of both ways to the Internet without what WireGuard adds, but never below what IPv6 needs. */
export function tunnelMtu(a: number, b: number): number {
  return Math.max(Math.min(a, b) - constants.TUNNEL_OVERHEAD, constants.MIN_TUNNEL_MTU);
}

/** The two IPv4 link-local addresses of the tunnel with that number, the hub's first. Disjoint for different numbers. */
export function linkLocalPair(id: number): [string, string] {
  const first = FIRST_LINK_OFFSET + 2n * BigInt(id);
  return [formatAddress(addressAt(LINK_LOCAL_V4, first)), formatAddress(addressAt(LINK_LOCAL_V4, first + 1n))];
}

/** What the hub reaches through a site's tunnel: the host's identity, and its LAN or, for `host-only`, its LAN address alone. */
export function prefixesBehindSite(site: SiteSpec, identity: PerFamily): string[] {
  const identities = [identity.v4, identity.v6].map((text) => formatPrefix(hostPrefix(parseAddress(text)!)));
  const reach =
    site.router === "host-only"
      ? [formatPrefix(hostPrefix(parseAddress(site.host.address)!))]
      : site.lan.map((text) => formatPrefix(parsePrefix(text)!));
  return [...identities, ...reach];
}

/**
 * One link for each site. The site sends the whole space into its tunnel (its own LAN is more specific and wins), so another
 * site changes nothing on it.
 */
export function planLinks(
  spec: IntranetSpec,
  ids: ReadonlyMap<string, number>,
  hosts: Readonly<Record<string, HostPlan>>,
  space: PerFamily,
): LinkPlan[] {
  const hubMtu = spec.sinkhole.underlayMtu ?? constants.HUB_UNDERLAY_MTU;
  return Object.entries(spec.sites).map(([name, site]) => {
    const id = ids.get(name)!;
    const [hubV4, siteV4] = linkLocalPair(id);
    return {
      name: `${constants.HUB}-${name}`,
      mtu: tunnelMtu(hubMtu, site.underlayMtu ?? constants.DEFAULT_UNDERLAY_MTU),
      a: {
        host: constants.HUB,
        interface: tunnelInterface(name),
        v4: hubV4,
        v6: constants.HUB_LINK_LOCAL,
        listenPort: constants.LINK_PORT_BASE + id,
        routes: prefixesBehindSite(site, hosts[name]!.identity),
      },
      b: {
        host: name,
        interface: tunnelInterface(constants.HUB),
        v4: siteV4,
        v6: constants.SITE_LINK_LOCAL,
        routes: [space.v4, space.v6],
      },
    };
  });
}
