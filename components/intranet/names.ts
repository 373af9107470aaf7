/** What the hosts offer: names, the CA, and the services behind their proxies. */
import type * as pulumi from "@pulumi/pulumi";
import type { PublicCertificatesPlan } from "../../model";
import { isInside } from "../common/inside";
import { behind, step } from "../common/managed-host";
import { CertificateAuthority } from "../certificate-authority/certificate-authority";
import { TrustAnchor } from "../certificate-authority/trust-anchor";
import { InternalDns } from "../internal-dns/internal-dns";
import { Resolver } from "../resolver/resolver";
import type { PublicCertificates } from "../reverse-proxy/args";
import { ReverseProxy } from "../reverse-proxy/reverse-proxy";
import { eachHost, type Hosts, type Parts } from "./parts";
import { addressOf } from "./public";

/** The addresses on which a site's host offers something: a LAN beside the space has no part in it. */
function listenOn({ plan }: Parts, site: string): string[] {
  const { v4, v6 } = plan.hosts[site]!.identity;
  const lan = plan.sites[site]!.hostAddress;
  return [v4, v6, ...(isInside(lan, plan.space) ? [lan] : [])];
}

/** The name servers; undefined where none are described. */
export function makeDns(parts: Parts, hosts: Hosts): InternalDns | undefined {
  const { name, parent, plan, args } = parts;
  if (!plan.dns || !args.dns) return undefined;
  const { at: _at, extraRecords: _extra, ...rest } = args.dns;
  return new InternalDns(
    `${name}-names`,
    {
      ...rest,
      domain: plan.domain,
      space: plan.space,
      servers: plan.dns.servers.map((server) => ({
        ...hosts[server]!,
        name: server,
        identity: plan.hosts[server]!.identity,
        listen: listenOn(parts, server),
      })),
      records: [...plan.dns.records],
      reverse: [...plan.dns.reverse],
    },
    { parent },
  );
}

/** Lets every host ask the internal name servers, as soon as the first of them answers. */
export function makeResolvers(parts: Parts, hosts: Hosts, dns: InternalDns | undefined): Hosts {
  const { name, parent, plan } = parts;
  if (!dns || !plan.dns) return hosts;
  const [first] = plan.dns.servers;
  return eachHost(hosts, (host, at) =>
    step(behind(hosts[first!]!, host), (there) => {
      const after = [...(there.after ?? []), ...dns.ready];
      const args = { ...there, after, servers: dns.resolvers, domain: plan.domain, doctor: dns.doctor };
      return new Resolver(`${name}-resolver-${at}`, args, { parent }).ready;
    }),
  );
}

/** The internal CA, and trust in it on every host; undefined where none is described. */
export function makeCertificateAuthority(
  parts: Parts,
  hosts: Hosts,
): { authority: CertificateAuthority | undefined; trusting: Hosts } {
  const { name, parent, plan, args } = parts;
  const described = plan.certificateAuthority;
  if (!described || !args.certificateAuthority) return { authority: undefined, trusting: hosts };
  const { source, organisation, leafLifetime, intermediateVersion } = args.certificateAuthority;
  const authority = new CertificateAuthority(
    `${name}-ca`,
    {
      ...hosts[described.host]!,
      domain: plan.domain,
      ...(organisation === undefined ? {} : { organisation }),
      identity: plan.hosts[described.host]!.identity,
      hostname: described.fqdn,
      port: described.port,
      ...(source === undefined ? {} : { source }),
      ...(leafLifetime === undefined ? {} : { leafLifetime }),
      ...(intermediateVersion === undefined ? {} : { intermediateVersion }),
    },
    { parent },
  );
  const { rootCertificate } = authority;
  const trusting = eachHost(hosts, (host, at) =>
    step(host, (there) => new TrustAnchor(`${name}-trust-${at}`, { ...there, rootCertificate }, { parent }).ready),
  );
  return { authority, trusting };
}

/** The public authority as a proxy takes it: who issues is said in DNS. */
function publicAuthority({ issuer: _issuer, ...rest }: PublicCertificatesPlan): PublicCertificates {
  return rest;
}

/**
 * A proxy on each host that has services for it, or the CA's page; one with public services waits until the Internet
 * finds them: `published`.
 */
export function makeProxies(
  parts: Parts,
  hosts: Hosts,
  authority: CertificateAuthority | undefined,
  published: readonly pulumi.Resource[],
): void {
  const { name, parent, plan, args } = parts;
  const described = plan.certificateAuthority;
  if (!authority || !described) return;
  const renewInterval = args.certificateAuthority?.renewInterval;
  for (const site of Object.keys(plan.sites)) {
    const services = Object.values(plan.services).filter(({ host, protocol }) => host === site && protocol === "https");
    const pages = site === described.host ? [authority.page] : [];
    if (services.length + pages.length === 0) continue;
    const open = services.some((service) => service.public) ? plan.publicCertificates : undefined;
    step(behind(hosts[described.host]!, hosts[site]!), (host) => {
      const proxy = new ReverseProxy(
        `${name}-proxy-${site}`,
        {
          ...host,
          after: [...(host.after ?? []), ...authority.ready, ...(open ? published : [])],
          sites: services.map((service) => ({
            hostname: [service.fqdn],
            upstream: `localhost:${service.port}`,
            ...(service.public
              ? { authority: "public" as const, listen: [addressOf(parts, { public: service.public })] }
              : {}),
          })),
          listen: listenOn(parts, site),
          certificates: {
            directory: authority.directory,
            rootCertificate: authority.rootCertificate,
            ...(renewInterval === undefined ? {} : { renewInterval }),
          },
          ...(open ? { publicCertificates: publicAuthority(open) } : {}),
          pages,
        },
        { parent },
      );
      return proxy.ready;
    });
  }
}
