/** From a description to its plan: every rule first, all problems at once, then the numbers. */
import * as constants from "./constants";
import {
  checkDomain,
  checkHost,
  checkHostInLan,
  checkLan,
  checkManagement,
  checkPool,
  checkSpaceV4,
  checkSpaceV6,
  checkUnderlayMtu,
} from "./checks";
import { checkCloudName, checkNamePrefix } from "./cloud-name";
import { Issues, show } from "./errors";
import { allocateIds, type IdClaim } from "./id";
import { checkCertificateAuthority, checkDns, planDns } from "./dns";
import { checkKeyVersion } from "./key";
import { checkLinks } from "./link-rules";
import { linkName, planLinks, siteLinks } from "./links";
import { isLabel } from "./name";
import { allocatePublic, checkPublic, planPublic, PUBLIC_DIRECTORY, PUBLIC_ISSUER } from "./public";
import { planOspf } from "./ospf";
import { checkForwarders } from "./record";
import type {
  DeviceHubPlan,
  Forwarding,
  HostPlan,
  IntranetPlan,
  LinkPlan,
  PerFamily,
  ServicePlan,
  SitePlan,
} from "./plan";
import { addressAt, formatAddress, formatPrefix, overlaps, parseAddress, sizeOf, type Prefix } from "./prefix";
import { conform, OPTIONAL_FIELDS, SPEC_SHAPE } from "./shape";
import { layOutSpace, namedPools, uniqueLocalPrefix, type SpacePlan } from "./space";
import type { IntranetSpec, SiteSpec } from "./spec";
import {
  checkAddressesApart,
  checkDeviceNames,
  checkDisjoint,
  checkServices,
  checkSiteNames,
  siteOf,
  type NamedPrefix,
} from "./topology";

/**
 * Checks a description and works out what follows from it. Pure: the same description gives the same plan, and adding
 * or removing a site, device or service changes nothing of the others.
 *
 * @param name the intranet's name, a DNS label; with the domain it gives the IPv6 space when none is given
 * @param others arguments that whoever calls takes beside the description: named when an unknown one is refused.
 * Default: none
 * @throws ValidationError with every problem found: argument path, rule, values, way out
 */
export function planIntranet(name: string, args: IntranetSpec, others: readonly string[] = []): IntranetPlan {
  const issues = new Issues();
  const warnings = new Issues();
  if (!isLabel(name)) issues.add("name", "an intranet's name must be one DNS label", [show(name)], "for example home");
  const spec = readShape(args, others, issues);
  const space = checkSpace(name, spec, issues, warnings);
  checkSinkhole(spec, issues, warnings);
  checkSites(spec, space, issues, warnings);
  // A site that is ill shaped is still there: its services must not be blamed for it.
  const everySite = { ...args?.sites, ...spec.sites };
  checkDeviceNames(spec.devices ?? {}, everySite, issues);
  checkServices(spec.services ?? {}, everySite, spec.domain ?? "", issues);
  checkLinks(spec.links ?? [], everySite, issues);
  checkDns({ ...spec, sites: everySite }, everySite, issues);
  checkCertificateAuthority(spec, everySite, issues);
  checkPublic(spec, issues);
  const ids = space && allocateAll(spec, space, issues);
  if (spec.dns?.forwarders) {
    const own = spec.dns.at.flatMap((site) => addressesOf(site, everySite, space, ids));
    checkForwarders(spec.dns.forwarders, "dns.forwarders", own, issues);
  }
  issues.throwIfAny(`intranet ${show(name)}`);
  if (!space || !ids) throw new Error("a plan without a space passed the checks");
  return assemble(name, spec as IntranetSpec, space, ids, warnings);
}

function readShape(args: IntranetSpec, others: readonly string[], issues: Issues): Partial<IntranetSpec> {
  const given = (typeof args === "object" && args !== null ? args : {}) as unknown as Record<string, unknown>;
  const result: Record<string, unknown> = {};
  for (const [field, shape] of Object.entries(SPEC_SHAPE)) {
    if (given[field] === undefined && OPTIONAL_FIELDS.has(field)) continue;
    result[field] = conform(given[field], shape, field, issues);
  }
  for (const key of Object.keys(given)) {
    if (key in SPEC_SHAPE) continue;
    const known = [...Object.keys(SPEC_SHAPE), ...others];
    issues.add(key, "is not known here", [show(given[key])], `known are ${known.join(", ")}`);
  }
  return result as Partial<IntranetSpec>;
}

function checkSpace(
  name: string,
  spec: Partial<IntranetSpec>,
  issues: Issues,
  warnings: Issues,
): SpacePlan | undefined {
  if (spec.domain !== undefined) checkDomain(spec.domain, "domain", issues);
  const v4 = spec.space && checkSpaceV4(spec.space.v4, issues, warnings);
  const v6 =
    spec.space?.v6 === undefined ? uniqueLocalPrefix(name, spec.domain ?? "") : checkSpaceV6(spec.space.v6, issues);
  const pools = {
    identities:
      spec.pools?.identities === undefined
        ? undefined
        : checkPool(spec.pools.identities, "pools.identities", v4, issues),
    devices: spec.pools?.devices === undefined ? undefined : checkPool(spec.pools.devices, "pools.devices", v4, issues),
  };
  return v4 && v6 && layOutSpace(v4, v6, pools);
}

function checkSinkhole(spec: Partial<IntranetSpec>, issues: Issues, warnings: Issues): void {
  const sinkhole = spec.sinkhole;
  if (!sinkhole) return;
  for (const field of ["location", "serverType", "image"] as const)
    checkCloudName(sinkhole[field], `sinkhole.${field}`, issues);
  checkManagement(sinkhole.management, "sinkhole.management.from", issues, warnings);
  if (sinkhole.hostKeyVersion !== undefined)
    checkKeyVersion(sinkhole.hostKeyVersion, "sinkhole.hostKeyVersion", issues);
  if (sinkhole.namePrefix !== undefined) checkNamePrefix(sinkhole.namePrefix, "sinkhole.namePrefix", issues);
  if (sinkhole.underlayMtu !== undefined) checkUnderlayMtu(sinkhole.underlayMtu, "sinkhole.underlayMtu", issues);
}

function checkSites(spec: Partial<IntranetSpec>, space: SpacePlan | undefined, issues: Issues, warnings: Issues): void {
  const sites = spec.sites ?? {};
  checkSiteNames(sites, issues);
  const prefixes: NamedPrefix[] = space ? namedPools(space) : [];
  for (const [name, site] of Object.entries(sites)) prefixes.push(...checkSite(name, site, space, issues, warnings));
  checkDisjoint(prefixes, issues);
  checkAddressesApart(sites, issues);
}

function checkSite(
  name: string,
  site: SiteSpec,
  space: SpacePlan | undefined,
  issues: Issues,
  warnings: Issues,
): NamedPrefix[] {
  const path = `sites.${name}`;
  const lan = site.lan.flatMap((text, index) => {
    const at = `${path}.lan[${index}]`;
    const known = { ...(space ? { v4: space.v4, v6: space.v6 } : {}) };
    const prefix = checkLan(text, at, { space: known, router: site.router }, issues, warnings);
    return prefix ? [{ path: at, prefix }] : [];
  });
  if (site.lan.length === 0)
    issues.add(
      `${path}.lan`,
      "a site needs at least one LAN prefix",
      ["an empty list"],
      "give the prefix that the host's address is in",
    );
  const address = checkHost(site.host, `${path}.host`, issues);
  if (address && lan.length > 0)
    checkHostInLan(
      address,
      site.host.address,
      `${path}.host.address`,
      lan.map((entry) => entry.prefix),
      issues,
    );
  if (site.underlayMtu !== undefined) checkUnderlayMtu(site.underlayMtu, `${path}.underlayMtu`, issues);
  // Those beside the space are known to their own sites alone, so two may be the same.
  return lan.filter(({ prefix }) => space && [space.v4, space.v6].some((supernet) => overlaps(supernet, prefix)));
}

/** The numbers of all hosts and devices. */
interface Ids {
  readonly hosts: ReadonlyMap<string, number>;
  readonly devices: ReadonlyMap<string, number>;
  readonly links: ReadonlyMap<string, number>;
  /** Of the public services, by lower-case name. */
  readonly services: ReadonlyMap<string, number>;
}

function allocateAll(spec: Partial<IntranetSpec>, space: SpacePlan, issues: Issues): Ids {
  const hub: IdClaim = { name: constants.HUB, path: "sinkhole.id", id: spec.sinkhole?.id ?? constants.HUB_ID };
  const sites = Object.entries(spec.sites ?? {})
    .filter(([name]) => name !== constants.HUB)
    .map(([name, site]) => ({ name, path: `sites.${name}.id`, id: site.id }));
  const devices = Object.entries(spec.devices ?? {}).map(([name, device]) => ({
    name,
    path: `devices.${name}.id`,
    id: device.id,
  }));
  const hosts = [hub, ...sites];
  const links = siteLinks(spec).map((link) => ({
    name: linkName(link.to, link.from),
    path: `links[${spec.links!.indexOf(link)}].id`,
    id: link.id,
  }));
  return {
    hosts: allocateIds("host", hosts, idRange(space.identities.v4, constants.HUB_ID), issues),
    devices: allocateIds("device", devices, idRange(space.devices.v4, constants.HUB_ID + 1), issues),
    links: allocateIds("link", links, constants.SITE_LINK_IDS, issues),
    services: allocatePublic(spec, issues),
  };
}

/** The addresses of a site's host, as far as they are known. */
function addressesOf(
  site: string,
  sites: Readonly<Record<string, SiteSpec>>,
  space: SpacePlan | undefined,
  ids: Ids | undefined,
): string[] {
  const id = ids?.hosts.get(site);
  const host = sites[site]?.host?.address;
  const identity = space && id !== undefined ? perFamily(space.identities, id) : undefined;
  return [...(identity ? [identity.v4, identity.v6] : []), ...(host === undefined ? [] : [host])];
}

/** The numbers that a pool has addresses for, from `first` on: neither its last address nor more than ports allow. */
function idRange(pool: Prefix, first: number): { first: number; last: number } {
  const largest = sizeOf(pool) - 2n;
  return { first, last: largest > BigInt(constants.LAST_HOST_ID) ? constants.LAST_HOST_ID : Number(largest) };
}

function perFamily(pool: { v4: Prefix; v6: Prefix }, id: number): PerFamily {
  return { v4: formatAddress(addressAt(pool.v4, BigInt(id))), v6: formatAddress(addressAt(pool.v6, BigInt(id))) };
}

function prefixes(pair: { v4: Prefix; v6: Prefix }): PerFamily {
  return { v4: formatPrefix(pair.v4), v6: formatPrefix(pair.v6) };
}

function assemble(name: string, spec: IntranetSpec, space: SpacePlan, ids: Ids, warnings: Issues): IntranetPlan {
  const hosts: Record<string, HostPlan> = {};
  for (const [host, id] of ids.hosts)
    hosts[host] = { identity: perFamily(space.identities, id), enrolled: spec.sites[host]?.host.enrol ?? false };
  const devices: Record<string, PerFamily> = {};
  for (const [device, id] of ids.devices) devices[device] = perFamily(space.devices, id);
  const links = planLinks(spec, ids, hosts);
  const sites: Record<string, SitePlan> = {};
  for (const [site, description] of Object.entries(spec.sites))
    sites[site] = planSite(description, space, forwardingOf(site, description, links));
  const deviceHub: DeviceHubPlan = {
    interface: constants.DEVICE_INTERFACE,
    listenPort: constants.DEVICE_PORT,
    pool: prefixes(space.devices),
    address: perFamily(space.devices, constants.HUB_ID),
    mtu: constants.DEVICE_MTU,
  };
  const services = planServices(spec, hosts, ids);
  const dns = planDns(spec, hosts, services);
  const authority = spec.certificateAuthority;
  return {
    name,
    domain: spec.domain,
    space: prefixes(space),
    hub: constants.HUB,
    hosts,
    sites,
    links,
    ospf: planOspf(sites, links, deviceHub, space),
    devices,
    deviceHub,
    services,
    ...(dns ? { dns } : {}),
    ...(authority
      ? {
          certificateAuthority: {
            host: authority.at,
            fqdn: `${constants.CA_LABEL}.${spec.domain}`,
            port: constants.CA_PORT,
          },
        }
      : {}),
    ...(Object.values(services).some((service) => service.public)
      ? { publicCertificates: { directory: PUBLIC_DIRECTORY, issuer: PUBLIC_ISSUER, ...spec.publicCertificates } }
      : {}),
    warnings: warnings.list(),
  };
}

function forwardingOf(name: string, site: SiteSpec, links: readonly LinkPlan[]): Forwarding {
  if (site.router !== "host-only") return "lan";
  return links.filter(({ a, b }) => a.host === name || b.host === name).length > 1 ? "transit" : "none";
}

function planSite(site: SiteSpec, space: SpacePlan, forwarding: Forwarding): SitePlan {
  const address = parseAddress(site.host.address)!;
  const destination = formatPrefix(address.family === 4 ? space.v4 : space.v6);
  return {
    lan: site.lan,
    router: site.router,
    hostAddress: formatAddress(address),
    forwarding,
    staticRoutes: site.router === "static" ? [{ destination, gateway: formatAddress(address) }] : [],
  };
}

function planServices(
  spec: IntranetSpec,
  hosts: Readonly<Record<string, HostPlan>>,
  ids: Ids,
): Record<string, ServicePlan> {
  const services: Record<string, ServicePlan> = {};
  for (const [given, service] of Object.entries(spec.services ?? {})) {
    const name = given.toLowerCase();
    const host = siteOf(service.at, spec.sites)!;
    const identity = hosts[host]!.identity;
    const lan = parseAddress(spec.sites[host]!.host.address)!;
    services[name] = {
      name,
      fqdn: `${name}.${spec.domain}`,
      host,
      port: service.port,
      protocol: service.protocol ?? "https",
      audience: service.audience ?? "intranet",
      addresses: {
        v4: lan.family === 4 ? [identity.v4, formatAddress(lan)] : [identity.v4],
        v6: lan.family === 6 ? [identity.v6, formatAddress(lan)] : [identity.v6],
      },
      ...(service.audience === "internet"
        ? { public: planPublic(service, ids.hosts.get(host)!, ids.services.get(name)!) }
        : {}),
    };
  }
  return services;
}
