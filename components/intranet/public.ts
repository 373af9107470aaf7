/** What the Internet reaches: services with addresses of their own, their names, and guests who are let in by name. */
import * as pulumi from "@pulumi/pulumi";
import { publicServices, serviceAddress, type PublicPlan, type ServicePlan } from "../../model";
import { step } from "../common/managed-host";
import type { PublicOspf } from "../ospf/args";
import { PolicyRoute } from "../policy-route/policy-route";
import { PublicDns } from "../public-dns/public-dns";
import { ReverseDns } from "../reverse-dns/reverse-dns";
import type { PublishedService } from "../sinkhole/args";
import { SitePrefix } from "../site-prefix/site-prefix";
import { SniProxy } from "../sni-proxy/sni-proxy";
import { eachHost, type Hosts, type Parts } from "./parts";

/** A service that the Internet reaches, with its address. */
interface Addressed {
  readonly service: ServicePlan & { public: PublicPlan };
  readonly address: pulumi.Output<string>;
}

/** The tables by which accounts speak from a service's address have the service's number above this one. */
const PINNED_TABLES = 65536;

/** The address of a service that the Internet reaches. */
export function addressOf({ sinkhole }: Parts, { public: place }: { public: PublicPlan }): pulumi.Output<string> {
  return sinkhole.ipv6Network.apply((network) => serviceAddress(network, place));
}

function addressed(parts: Parts, host?: string): Addressed[] {
  return publicServices(parts.plan.services)
    .filter((service) => host === undefined || service.host === host)
    .map((service) => ({ service, address: addressOf(parts, service) }));
}

/** The network that public services have addresses of; undefined where there are none. */
export function publicNetwork({ plan, sinkhole }: Parts): { publicNetwork?: pulumi.Output<string> } {
  return plan.publicCertificates ? { publicNetwork: sinkhole.ipv6Network } : {};
}

/** What the sinkhole lets through. */
export function publishedOf(plan: Parts["plan"]): { published?: PublishedService[] } {
  const published = publicServices(plan.services).map(({ name, public: { ports, guestPorts, site, service } }) => ({
    name,
    place: { site, service },
    ports: [...ports],
    guestPorts: [...guestPorts],
  }));
  return published.length > 0 ? { published } : {};
}

/** The tables of accounts that speak from a service's address. */
function pinnedOf(services: readonly Addressed[]): { user: string; table: number; address: pulumi.Output<string> }[] {
  return services.flatMap(({ service: { public: place }, address }) =>
    place.user === undefined ? [] : [{ user: place.user, table: PINNED_TABLES + place.service, address }],
  );
}

/** What OSPF on a host carries beside the space. */
export function publicOspf(parts: Parts, host: string): { public?: PublicOspf } {
  const { plan, sinkhole } = parts;
  if (!plan.publicCertificates) return {};
  const network = sinkhole.ipv6Network;
  if (host === plan.hub) return { public: { network, side: "hub" } };
  const services = addressed(parts, host);
  const addresses = Object.fromEntries(services.map(({ service, address }) => [service.name, address]));
  const pinned = pinnedOf(services).map(({ table, address }) => ({ table, address }));
  return { public: { network, side: "site", hub: plan.hub, addresses, pinned } };
}

/** On every site's host the ways of what has a public address, and on those that serve the addresses themselves. */
export function makePublicRoutes(parts: Parts, hosts: Hosts): Hosts {
  const { name, parent, plan, sinkhole } = parts;
  if (!plan.publicCertificates) return hosts;
  const network = sinkhole.ipv6Network;
  return eachHost(hosts, (host, at) => {
    if (at === plan.hub) return host;
    const services = addressed(parts, at);
    const pinned = pinnedOf(services).map(({ user, table }) => ({ user, table }));
    const routed = step(
      host,
      (there) => new PolicyRoute(`${name}-policy-route-${at}`, { ...there, network, pinned }, { parent }).ready,
    );
    if (services.length === 0) return routed;
    const own = services.map(({ service, address }) => ({
      name: service.name,
      address,
      ports: [...service.public.ports],
    }));
    return step(
      routed,
      (there) =>
        new SitePrefix(`${name}-prefix-${at}`, { ...there, space: plan.space, services: own }, { parent }).ready,
    );
  });
}

/** What answers at the sinkhole: guests by name, and everybody else with ACCESS DENIED. */
export function makeFront(parts: Parts): SniProxy {
  const { name, plan, args, sinkhole } = parts;
  const services = addressed(parts).map(({ service: { fqdn, protocol, public: place }, address }) => ({
    hostname: fqdn,
    address,
    ports: [...place.guestPorts],
    web: protocol === "https",
  }));
  const host = { ...sinkhole.host, after: sinkhole.ready };
  const engine = args.guests ? { engine: args.guests } : {};
  // The sinkhole's child, by its name: what a sinkhole alone would make of certificate and page is the same resource.
  const front = { ...host, domain: plan.domain, services, ...engine };
  return new SniProxy(`${name}-sinkhole`, front, { parent: sinkhole });
}

/** The public names: all lead to the sinkhole, but over IPv6 those of public services to themselves, there and back. */
export function makePublicNames(parts: Parts): PublicDns {
  const { name, parent, plan, args, sinkhole } = parts;
  const services = addressed(parts);
  const names = new PublicDns(
    `${name}-dns`,
    {
      zone: args.zone ?? plan.domain,
      domain: plan.domain,
      ipv4: sinkhole.ipv4,
      ipv6: sinkhole.ipv6,
      ...(args.caa ? { caa: args.caa } : {}),
      ...(plan.publicCertificates ? { issuer: plan.publicCertificates.issuer } : {}),
      services: services.map(({ service, address }) => ({ name: service.fqdn, ipv6: address })),
    },
    { parent },
  );
  if (services.length > 0)
    new ReverseDns(
      `${name}-reverse`,
      {
        primaryIpId: sinkhole.ipv6Id,
        names: services.map(({ service, address }) => ({ name: service.name, hostname: service.fqdn, address })),
      },
      { parent, dependsOn: [names] },
    );
  return names;
}
