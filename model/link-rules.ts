/** The rules for tunnels that are described: their ends, their endpoint, cost and area. */
import { checkKeyVersion } from "./key";
import { checkLinkEnds } from "./topology";
import { checkPort } from "./checks";
import { BACKBONE_AREA, HUB, LARGEST_COST } from "./constants";
import { show, type Issues } from "./errors";
import { parseAddress } from "./prefix";
import type { LinkSpec, SiteSpec } from "./spec";

/** Notes what is wrong with the links; `sites` are those that exist, well shaped or not. */
export function checkLinks(
  links: readonly LinkSpec[],
  sites: Readonly<Record<string, SiteSpec>>,
  issues: Issues,
): void {
  const pairs = new Map<string, string>();
  const ports = new Map<string, string>();
  links.forEach((link, index) => {
    const path = `links[${index}]`;
    checkEnds(link, path, sites, issues);
    checkEndpoint(link, path, ports, issues);
    checkNumber(link.cost, `${path}.cost`, 1, LARGEST_COST, issues);
    checkNumber(link.area, `${path}.area`, 0, 2 ** 32 - 1, issues);
    if (link.keyVersion !== undefined) checkKeyVersion(link.keyVersion, `${path}.keyVersion`, issues);
    const pair = [link.from, link.to].sort().join(" and ");
    const holder = pairs.get(pair);
    if (holder === undefined) pairs.set(pair, path);
    else
      issues.add(
        path,
        "two links join the same two hosts",
        [`${holder} ${pair}`, `${path} ${pair}`],
        "keep one of them",
      );
  });
  checkAreas(links, sites, issues);
}

function checkEnds(link: LinkSpec, path: string, sites: Readonly<Record<string, SiteSpec>>, issues: Issues): void {
  const known = Object.keys(sites).map((name) => `"${name}"`);
  if (!Object.hasOwn(sites, link.from)) {
    const help = link.from === HUB ? "let the site dial: from the site, to vps" : "name one of the sites";
    issues.add(`${path}.from`, "a link must start at a site", [show(link.from), `sites are ${known.join(", ")}`], help);
  }
  if (link.to !== HUB && !Object.hasOwn(sites, link.to))
    issues.add(
      `${path}.to`,
      "a link must lead to a site or to vps",
      [show(link.to), `sites are ${known.join(", ")}`],
      "name one of them",
    );
  checkLinkEnds(link.from, link.to, path, issues);
}

function checkEndpoint(link: LinkSpec, path: string, ports: Map<string, string>, issues: Issues): void {
  const { endpoint } = link;
  if (link.to === HUB) {
    if (endpoint)
      issues.add(
        `${path}.endpoint`,
        "the sinkhole's address is known from its cloud",
        [show(endpoint.address)],
        "leave the endpoint out",
      );
    return;
  }
  if (!endpoint) {
    const help = `give the public address of ${link.to}'s router and the UDP port that it forwards to the host, or turn the link round`;
    issues.add(`${path}.endpoint`, "the end that is dialled must be reachable", ["nothing"], help);
    return;
  }
  if (!parseAddress(endpoint.address))
    issues.add(
      `${path}.endpoint.address`,
      "must be an IPv4 or IPv6 address",
      [show(endpoint.address)],
      "write it like 198.51.100.7, not as a name",
    );
  for (const field of ["port", "sparePort"] as const) {
    const port = endpoint[field];
    if (port === undefined) continue;
    const at = `${path}.endpoint.${field}`;
    checkPort(port, at, issues);
    const key = `${link.to} port ${port}`;
    const holder = ports.get(key);
    if (holder === undefined) ports.set(key, at);
    else
      issues.add(
        at,
        "two tunnels listen at the same port of the same host",
        [`${holder}: ${key}`, `${at}: ${key}`],
        "forward another port for one of them",
      );
  }
}

function checkNumber(value: number | undefined, path: string, first: number, last: number, issues: Issues): void {
  if (value === undefined || (Number.isInteger(value) && value >= first && value <= last)) return;
  issues.add(path, `must be a whole number from ${first} to ${last}`, [show(value)], "leave it out for the default");
}

/**
 * RFC 2328, section 3: areas talk through the backbone, so a host in another area must be in that one as well, or have
 * no more than one.
 */
function checkAreas(links: readonly LinkSpec[], sites: Readonly<Record<string, SiteSpec>>, issues: Issues): void {
  const areas = new Map<string, Map<number, string>>();
  const note = (host: string, area: number, path: string): void => {
    if (!areas.has(host)) areas.set(host, new Map());
    areas.get(host)!.set(area, path);
  };
  for (const site of Object.keys(sites)) {
    const index = links.findIndex((link) => link.from === site && link.to === HUB);
    for (const host of [site, HUB]) note(host, links[index]?.area ?? BACKBONE_AREA, `links[${index}].area`);
  }
  links.forEach((link, index) => {
    if (link.to === HUB) return;
    for (const host of [link.from, link.to]) note(host, link.area ?? BACKBONE_AREA, `links[${index}].area`);
  });
  for (const [host, found] of areas) {
    if (found.size < 2 || found.has(BACKBONE_AREA)) continue;
    const [path] = [...found.values()];
    issues.add(
      path!,
      "a host in two areas must also be in area 0, through which areas talk (RFC 2328)",
      [`"${host}" is in areas ${[...found.keys()].join(" and ")}`],
      "put one of its links into area 0",
    );
  }
}
