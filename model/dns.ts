/** The internal names: the rules for what is described, and the records that follow. */
import { checkDomain } from "./checks";
import * as constants from "./constants";
import { show, type Issues } from "./errors";
import { isLabel } from "./name";
import type { DnsPlan, HostPlan, ServicePlan } from "./plan";
import { formatAddress, parseAddress } from "./prefix";
import type { DnsSpec, IntranetSpec, RecordSpec, SiteSpec } from "./spec";

const RECORD_TYPE = /^[A-Z][A-Z0-9]{0,15}$/;
/** A DS record of the root (RFC 4034, section 5.3): key tag, algorithm, digest type, digest. */
const TRUST_ANCHOR = /^\. \d{1,5} \d{1,3} \d{1,3} [0-9A-F]{40,128}$/;
const MAX_TTL = 604_800;

/** Notes what is wrong with `dns`; `sites` are those that exist, well shaped or not. */
export function checkDns(spec: Partial<IntranetSpec>, sites: Readonly<Record<string, SiteSpec>>, issues: Issues): void {
  const { dns } = spec;
  if (!dns) {
    const [first] = Object.keys(spec.services ?? {});
    if (first !== undefined)
      issues.add("dns", "services need name servers", [`services.${first}`], "name the site that answers: at: [home]");
    return;
  }
  checkServers(dns.at, sites, issues);
  (dns.forwarders ?? []).forEach((text, index) => checkResolver(text, `dns.forwarders[${index}]`, issues));
  for (const [name, addresses] of Object.entries(dns.rootServers ?? {}))
    addresses.forEach((text, index) => checkResolver(text, `dns.rootServers.${name}[${index}]`, issues));
  (dns.trustAnchors ?? []).forEach((text, index) => {
    if (TRUST_ANCHOR.test(text)) return;
    const help = "write it like . 20326 8 2 E06D44B8…, without quotes";
    issues.add(`dns.trustAnchors[${index}]`, "must be the root's DS record", [show(text)], help);
  });
  if (dns.publicName !== undefined) checkDomain(dns.publicName, "dns.publicName", issues);
  const reserved = reservedLabels(spec, dns);
  for (const name of Object.keys(spec.services ?? {}))
    checkFree(name.toLowerCase(), `services.${name}`, reserved, issues);
  (dns.extraRecords ?? []).forEach((record, index) =>
    checkRecord(record, `dns.extraRecords[${index}]`, reserved, spec, issues),
  );
}

function checkServers(at: readonly string[], sites: Readonly<Record<string, SiteSpec>>, issues: Issues): void {
  if (at.length === 0)
    issues.add("dns.at", "at least one site must answer", ["an empty list"], "name one, or leave dns out");
  at.forEach((site, index) => {
    const path = `dns.at[${index}]`;
    if (!Object.hasOwn(sites, site)) {
      const known = Object.keys(sites).map((name) => `"${name}"`);
      issues.add(path, "name servers run at sites", [show(site), `sites are ${known.join(", ")}`], "name one of them");
    }
    if (at.indexOf(site) !== index)
      issues.add(
        path,
        "a site is named twice",
        [show(site)],
        "name each server once; two at different sites are enough",
      );
  });
}

function checkResolver(text: string, path: string, issues: Issues): void {
  if (parseAddress(text)) return;
  issues.add(path, "must be an IPv4 or IPv6 address", [show(text)], "write it like 198.51.100.53, not as a name");
}

/** Labels that the intranet itself uses, with what for. */
function reservedLabels(spec: Partial<IntranetSpec>, dns: DnsSpec): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const site of Object.keys(spec.sites ?? {})) labels.set(site, `the host of sites.${site}`);
  labels.set(constants.HUB, "the sinkhole's host");
  dns.at.forEach((_, index) => labels.set(constants.nameServerLabel(index), `dns.at[${index}]`));
  if (spec.certificateAuthority) labels.set(constants.CA_LABEL, "certificateAuthority");
  return labels;
}

function checkFree(label: string, path: string, reserved: ReadonlyMap<string, string>, issues: Issues): void {
  const holder = reserved.get(label);
  if (holder) issues.add(path, "the name is taken", [`"${label}" names ${holder}`, path], "choose another name");
}

function checkRecord(
  record: RecordSpec,
  path: string,
  reserved: ReadonlyMap<string, string>,
  spec: Partial<IntranetSpec>,
  issues: Issues,
): void {
  const labels = record.name === "@" ? [] : record.name.replace(/^\*\./, "").split(".");
  if (record.name !== "*" && !labels.every((label) => isLabel(label.replace(/^_/, ""))))
    issues.add(
      `${path}.name`,
      "must be labels of a-z, 0-9 and inner hyphens, relative to the domain, or @",
      [show(record.name)],
      "write it like nas or _imap._tcp, without the domain",
    );
  if (!RECORD_TYPE.test(record.type))
    issues.add(`${path}.type`, "must be a record type in capitals", [show(record.type)], "for example A, MX or TXT");
  if (record.data.trim() === "" || /\p{Cc}/u.test(record.data))
    issues.add(`${path}.data`, "must be one line of a zone file", [show(record.data)], "write it as after the type");
  const { ttl } = record;
  if (ttl !== undefined && !(Number.isInteger(ttl) && ttl >= 1 && ttl <= MAX_TTL))
    issues.add(`${path}.ttl`, `must be from 1 to ${MAX_TTL} seconds`, [show(ttl)], "leave it out for 300");
  checkFree(record.name, `${path}.name`, reserved, issues);
  const service = Object.keys(spec.services ?? {}).find((name) => name.toLowerCase() === record.name);
  if (service !== undefined)
    issues.add(
      `${path}.name`,
      "a service has that name, and its address with it",
      [`services.${service}`, `${path}.name ${show(record.name)}`],
      "leave the record out, or rename one of them",
    );
}

/** Notes what is wrong with `certificateAuthority`. */
export function checkCertificateAuthority(
  spec: Partial<IntranetSpec>,
  sites: Readonly<Record<string, SiteSpec>>,
  issues: Issues,
): void {
  const authority = spec.certificateAuthority;
  if (!authority) {
    const https = Object.entries(spec.services ?? {}).find(([, service]) => (service.protocol ?? "https") === "https");
    if (https)
      issues.add(
        "certificateAuthority",
        "services need somebody who issues their certificates",
        [`services.${https[0]}`],
        "name the site whose host does: at: home; or write protocol: tcp",
      );
    return;
  }
  const known = Object.keys(sites).map((name) => `"${name}"`);
  if (!Object.hasOwn(sites, authority.at))
    issues.add(
      "certificateAuthority.at",
      "the CA runs at a site",
      [show(authority.at), `sites are ${known.join(", ")}`],
      "name one of them",
    );
  if (!spec.dns) issues.add("dns", "the CA needs name servers", ["nothing"], "name the site that answers: at: [home]");
  const { leafLifetime, renewInterval } = authority;
  checkTime(leafLifetime, /^[1-9]\d{0,5}[mh]$/, "certificateAuthority.leafLifetime", "168h or 5m", issues);
  checkTime(renewInterval, /^[1-9]\d{0,5}[smh]$/, "certificateAuthority.renewInterval", "10m or 30s", issues);
}

function checkTime(text: string | undefined, form: RegExp, path: string, example: string, issues: Issues): void {
  if (text !== undefined && !form.test(text))
    issues.add(path, "must be a time", [show(text)], `write it like ${example}`);
}

/**
 * The records. A host has a name once it has something to offer, so a site without services changes no name server. Services have an IPv4
 * address alone: every client reaches that, while a LAN need not route the unique local prefix.
 */
export function planDns(
  spec: IntranetSpec,
  hosts: Readonly<Record<string, HostPlan>>,
  services: Readonly<Record<string, ServicePlan>>,
): DnsPlan | undefined {
  const { dns, certificateAuthority } = spec;
  if (!dns) return undefined;
  const offering = new Set([...dns.at, ...Object.values(services).map((service) => service.host)]);
  if (certificateAuthority) offering.add(certificateAuthority.at);
  const named = Object.keys(hosts).filter((host) => offering.has(host));
  const a = (name: string, host: string): RecordSpec => ({ name, type: "A", data: hosts[host]!.identity.v4 });
  const records = [
    ...named.flatMap((host) => [a(host, host), { name: host, type: "AAAA", data: hosts[host]!.identity.v6 }]),
    ...(certificateAuthority ? [a(constants.CA_LABEL, certificateAuthority.at)] : []),
    ...Object.values(services).map((service) => a(service.name, service.host)),
    ...(dns.extraRecords ?? []),
  ];
  const reverse = named.flatMap((host) =>
    [hosts[host]!.identity.v4, hosts[host]!.identity.v6].map((text) => ({
      address: formatAddress(parseAddress(text)!),
      name: `${host}.${spec.domain}`,
    })),
  );
  const identities = dns.at.map((host) => hosts[host]!.identity);
  return {
    servers: dns.at,
    resolvers: [...identities.map((identity) => identity.v4), ...identities.map((identity) => identity.v6)],
    records,
    reverse,
  };
}
