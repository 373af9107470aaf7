/** The rules between the parts: names that meet, prefixes that overlap, services without a host. */
import { CA_PORT, RESERVED_SITE_NAMES, HUB } from "./constants";
import { Issues, show } from "./errors";
import { checkLabel, checkPort } from "./checks";
import { checkKeyVersion } from "./key";
import { isDomain, SECOND_SUFFIX, tunnelInterface } from "./name";
import { overlaps, type Prefix } from "./prefix";
import { describePrefix } from "./space";
import type { DeviceSpec, HostSpec, ServiceSpec, SiteSpec } from "./spec";

/** What hosts listen at by themselves: SSH, names, the proxy, the CA. */
const TAKEN_PORTS = [22, 53, 80, 443, CA_PORT];

/** A prefix and where it stands. */
export interface NamedPrefix {
  readonly path: string;
  readonly prefix: Prefix;
}

/** Notes every pair of prefixes that share an address. */
export function checkDisjoint(prefixes: readonly NamedPrefix[], issues: Issues): void {
  prefixes.forEach((a, index) => {
    for (const b of prefixes.slice(index + 1)) {
      if (!overlaps(a.prefix, b.prefix)) continue;
      const help = "every site and every pool needs a prefix of its own; change one of the two";
      issues.add(b.path, "two prefixes overlap", [describePrefix(a), describePrefix(b)], help);
    }
  });
}

/** Notes hosts that the operator would reach at one address: in LANs beside the space there may be such. */
export function checkAddressesApart(sites: Readonly<Record<string, SiteSpec>>, issues: Issues): void {
  const holders = new Map<string, string>();
  for (const [name, { host }] of Object.entries(sites)) {
    if (host.enrol) continue;
    const path = `sites.${name}.host.address`;
    const key = `${host.address} port ${host.port ?? 22}`;
    const holder = holders.get(key);
    if (holder !== undefined)
      issues.add(
        path,
        "two hosts that are reached at the same address are one host",
        [`${holder} ${show(host.address)}`, `${path} ${show(host.address)}`],
        "join one of them by a script (enrol: true), or give one another port of its own",
      );
    holders.set(key, path);
  }
}

/**
 * Notes site names that are no labels or are taken, also those whose tunnels' interfaces would be called like another
 * site's second one.
 */
export function checkSiteNames(sites: Readonly<Record<string, SiteSpec>>, issues: Issues): void {
  for (const name of Object.keys(sites)) {
    checkLabel(name, `sites.${name}`, issues);
    const stem = name.endsWith(SECOND_SUFFIX) ? name.slice(0, -SECOND_SUFFIX.length) : undefined;
    if (stem !== undefined && (stem === HUB || Object.hasOwn(sites, stem)))
      issues.add(
        `sites.${name}`,
        "the name would give its tunnels the interfaces of another host's second tunnel",
        [`"${stem}" has ${tunnelInterface(stem, 2)}`, `sites.${name}`],
        "rename the site",
      );
    if (!RESERVED_SITE_NAMES.includes(name)) continue;
    const holder = name === HUB ? "the sinkhole's host" : "the devices' tunnel";
    issues.add(`sites.${name}`, "the name is taken", [`"${name}" names ${holder}`, `sites.${name}`], "rename the site");
  }
}

/** Notes device names that are no labels or are a host's. */
export function checkDeviceNames(
  devices: Readonly<Record<string, DeviceSpec>>,
  sites: Readonly<Record<string, SiteSpec>>,
  issues: Issues,
): void {
  for (const [name, device] of Object.entries(devices)) {
    checkLabel(name, `devices.${name}`, issues);
    const holder = name === HUB ? "the sinkhole's host" : name in sites ? `the host of sites.${name}` : undefined;
    if (holder)
      issues.add(
        `devices.${name}`,
        "a device must not have a host's name",
        [`"${name}" names ${holder}`, `devices.${name}`],
        "rename the device",
      );
    if (device.keyVersion !== undefined) checkKeyVersion(device.keyVersion, `devices.${name}.keyVersion`, issues);
  }
}

/** The site whose host runs a service: by name, or by the host itself. */
export function siteOf(at: string | HostSpec, sites: Readonly<Record<string, SiteSpec>>): string | undefined {
  if (typeof at === "string") return Object.hasOwn(sites, at) ? at : undefined;
  const entries = Object.entries(sites);
  const same =
    entries.find(([, site]) => site.host === at) ?? entries.find(([, site]) => site.host.address === at.address);
  return same?.[0];
}

/**
 * Notes what is wrong with services: names, hosts, ports, audiences; `sites` are those that exist, well shaped or not.
 */
export function checkServices(
  services: Readonly<Record<string, ServiceSpec>>,
  sites: Readonly<Record<string, SiteSpec>>,
  domain: string,
  issues: Issues,
): void {
  const names = new Map<string, string>();
  const ports = new Map<string, string>();
  for (const [name, service] of Object.entries(services)) {
    const path = `services.${name}`;
    const lower = name.toLowerCase();
    checkLabel(lower, path, issues);
    if (isDomain(domain) && `${lower}.${domain}`.length > 253) {
      issues.add(
        path,
        "name and domain together must not exceed 253 characters",
        [show(`${lower}.${domain}`)],
        "give the service a shorter name",
      );
    }
    claim(
      names,
      lower,
      path,
      "two services have the same name: DNS does not tell upper from lower case",
      "rename one of them",
      issues,
    );
    checkPort(service.port, `${path}.port`, issues);
    if (service.protocol === "tcp" && TAKEN_PORTS.includes(service.port))
      issues.add(
        `${path}.port`,
        "the hosts' own programs listen at this port of their identities",
        [show(service.port)],
        `let the application listen at another one than ${TAKEN_PORTS.join(", ")}`,
      );
    const site = checkServiceHost(service, path, sites, issues);
    if (site !== undefined) {
      const rule = "two services name the same port of the same host, which is one application";
      claim(
        ports,
        `${site} port ${service.port}`,
        `${path}.port`,
        rule,
        "give each service the port that its own application listens on",
        issues,
      );
    }
  }
}

function claim(
  taken: Map<string, string>,
  key: string,
  path: string,
  rule: string,
  help: string,
  issues: Issues,
): void {
  const holder = taken.get(key);
  if (holder === undefined) taken.set(key, path);
  else issues.add(path, rule, [`${holder}: ${key}`, `${path}: ${key}`], help);
}

function checkServiceHost(
  service: ServiceSpec,
  path: string,
  sites: Readonly<Record<string, SiteSpec>>,
  issues: Issues,
): string | undefined {
  const site = siteOf(service.at, sites);
  if (site !== undefined) return site;
  const at = typeof service.at === "string" ? show(service.at) : `a host at ${show(service.at.address)}`;
  const known =
    Object.keys(sites)
      .map((name) => `"${name}"`)
      .join(", ") || "none";
  const help =
    service.at === HUB
      ? "the sinkhole only says ACCESS DENIED; run the service at a site"
      : "name one of the sites, or add the site";
  issues.add(`${path}.at`, "a service must run at a site", [at, `sites are ${known}`], help);
  return undefined;
}

/** Notes a link whose two ends are one host. */
export function checkLinkEnds(a: string, b: string, path: string, issues: Issues): void {
  if (a !== b) return;
  issues.add(
    path,
    "a link must join two different hosts",
    [`a.host ${show(a)}`, `b.host ${show(b)}`],
    "give the other end another host",
  );
}
