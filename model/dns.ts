/** The internal names: the rules for what is described, and the records that follow. */
import { checkLeafLifetime, checkOrganisation, checkRenewInterval } from "./authority";
import { checkStepCaSource } from "./step-ca-source";
import { checkDomain } from "./checks";
import * as constants from "./constants";
import { show, type Issues } from "./errors";
import { checkKeyVersion } from "./key";
import type { DnsPlan, HostPlan, ServicePlan } from "./plan";
import { formatAddress, parseAddress } from "./prefix";
import { checkRecords, checkRootServers, checkTrustAnchors, MOST_NAME_SERVERS } from "./record";
import type { DnsSpec, IntranetSpec, RecordSpec, SiteSpec } from "./spec";

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
  if (dns.rootServers) checkRootServers(dns.rootServers, "dns.rootServers", issues);
  checkTrustAnchors(dns.trustAnchors ?? [], "dns.trustAnchors", issues);
  if (dns.publicName !== undefined) checkDomain(dns.publicName, "dns.publicName", issues);
  if (dns.keyVersion !== undefined) checkKeyVersion(dns.keyVersion, "dns.keyVersion", issues);
  const reserved = reservedLabels(spec, dns);
  for (const name of Object.keys(spec.services ?? {}))
    checkFree(name.toLowerCase(), `services.${name}`, reserved, issues);
  checkRecords(dns.extraRecords ?? [], "dns.extraRecords", issues);
  (dns.extraRecords ?? []).forEach((record, index) =>
    checkRecordName(record, `dns.extraRecords[${index}]`, reserved, spec, issues),
  );
}

function checkServers(at: readonly string[], sites: Readonly<Record<string, SiteSpec>>, issues: Issues): void {
  if (at.length > MOST_NAME_SERVERS)
    issues.add(
      "dns.at",
      `must be at most ${MOST_NAME_SERVERS} sites: resolvers take no more (resolv.conf(5))`,
      [String(at.length)],
      "two at different sites are enough",
    );
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

/** Names that hosts and services have already. */
function checkRecordName(
  record: RecordSpec,
  path: string,
  reserved: ReadonlyMap<string, string>,
  spec: Partial<IntranetSpec>,
  issues: Issues,
): void {
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
  const { source, organisation, leafLifetime, renewInterval, intermediateVersion } = authority;
  if (source !== undefined) checkStepCaSource(source, "certificateAuthority.source", issues);
  if (organisation !== undefined) checkOrganisation(organisation, "certificateAuthority.organisation", issues);
  if (leafLifetime !== undefined) checkLeafLifetime(leafLifetime, "certificateAuthority.leafLifetime", issues);
  if (renewInterval !== undefined) checkRenewInterval(renewInterval, "certificateAuthority.renewInterval", issues);
  if (intermediateVersion !== undefined)
    checkKeyVersion(intermediateVersion, "certificateAuthority.intermediateVersion", issues);
}

/**
 * The records. A host has a name once it has something to offer, so a site without services changes no name server.
 * Services have an IPv4 address alone: every client reaches that, while a LAN need not route the unique local prefix.
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
