/** OSPF: what each host announces, and on which tunnels it speaks. */
import * as constants from "./constants";
import type { DeviceHubPlan, LinkPlan, OspfPlan, SitePlan } from "./plan";
import { containsPrefix, formatPrefix, hostPrefix, parseAddress, parsePrefix, type Prefix } from "./prefix";

/**
 * Every host's part. A site whose LAN takes part announces the LAN, a `host-only` one its host's address alone, if that
 * lies in the space; the hub announces the devices' pool.
 */
export function planOspf(
  sites: Readonly<Record<string, SitePlan>>,
  links: readonly LinkPlan[],
  devices: DeviceHubPlan,
  space: { readonly v4: Prefix; readonly v6: Prefix },
): Record<string, OspfPlan> {
  const part = (host: string, announce: readonly string[]): OspfPlan => ({
    announce,
    interfaces: links.flatMap((link) => interfacesOf(host, link)),
  });
  const plans: Record<string, OspfPlan> = { [constants.HUB]: part(constants.HUB, [devices.pool.v4, devices.pool.v6]) };
  for (const [name, site] of Object.entries(sites)) plans[name] = part(name, announcedBy(site, space));
  return plans;
}

function announcedBy(site: SitePlan, { v4, v6 }: { readonly v4: Prefix; readonly v6: Prefix }): string[] {
  if (site.router === "host-only") {
    const own = hostPrefix(parseAddress(site.hostAddress)!);
    return containsPrefix(own.family === 4 ? v4 : v6, own) ? [formatPrefix(own)] : [];
  }
  return site.lan.map((text) => formatPrefix(parsePrefix(text)!));
}

function interfacesOf(host: string, link: LinkPlan): OspfPlan["interfaces"] {
  const [side, own, other] = link.a.host === host ? (["a", link.a, link.b] as const) : (["b", link.b, link.a] as const);
  if (own.host !== host) return [];
  const { name, area, cost } = link;
  const spare = link.other ? { spare: link.other[side] } : {};
  return [{ interface: own.interface, link: name, area, cost, ...spare, neighbour: other.host }];
}
