/** The tunnels and OSPF over them. */
import { SharedSecret, WireGuardKey } from "../../host";
import type { LinkEnd, LinkPlan } from "../../model";
import { step, type ManagedHost } from "../common/managed-host";
import { Ospf } from "../ospf/ospf";
import type { WireGuardEnd } from "../wireguard/args";
import { WireGuardLink } from "../wireguard/wireguard-link";
import { eachHost, type Hosts, type Parts } from "./parts";

/** Both ends' keys of a tunnel. */
export interface LinkKeys {
  readonly a: WireGuardKey;
  readonly b: WireGuardKey;
}

/** What the resources of a tunnel are called: after the site for one to the hub, after both for one between sites. */
function resourceName({ name, plan }: Parts, link: LinkPlan): string {
  return link.a.host === plan.hub ? `${name}-link-${link.b.host}` : `${name}-between-${link.name}`;
}

/** All tunnels' keys, by the tunnel's name. */
export function makeKeys(parts: Parts): Record<string, LinkKeys> {
  const key = (link: LinkPlan, end: string): WireGuardKey =>
    new WireGuardKey(`${resourceName(parts, link)}-key-${end}`, { keyVersion: 1 }, { parent: parts.parent });
  return Object.fromEntries(parts.plan.links.map((link) => [link.name, { a: key(link, "a"), b: key(link, "b") }]));
}

/** One end of a tunnel, as the component takes it. */
export function wireGuardEnd(parts: Parts, link: LinkPlan, end: LinkEnd, host: ManagedHost): WireGuardEnd {
  const { plan, sinkhole } = parts;
  const reached = end === link.a ? (link.endpoint ?? { address: sinkhole.ipv4, port: link.a.listenPort! }) : undefined;
  return {
    ...host,
    ...end,
    routes: [...end.routes],
    source: plan.hosts[end.host]!.identity,
    ...(reached ? { endpoint: reached } : {}),
  };
}

/** Makes the tunnels, by name. */
export function makeLinks(parts: Parts, keys: Record<string, LinkKeys>, hosts: Hosts): Record<string, WireGuardLink> {
  const links = parts.plan.links.map((link) => {
    const a = wireGuardEnd(parts, link, link.a, hosts[link.a.host]!);
    const b = wireGuardEnd(parts, link, link.b, hosts[link.b.host]!);
    const args = { a, b, mtu: link.mtu, keys: keys[link.name]! };
    return [link.name, new WireGuardLink(resourceName(parts, link), args, { parent: parts.parent })] as const;
  });
  return Object.fromEntries(links);
}

/** OSPF on every host: the hub first, then each site, which must see the hub. */
export function makeOspf(parts: Parts, links: Record<string, WireGuardLink>, hosts: Hosts): Hosts {
  const { name, parent, plan } = parts;
  const secrets = Object.fromEntries(
    plan.links.map((link) => [link.name, new SharedSecret(`${name}-ospf-key-${link.name}`, {}, { parent }).value]),
  );
  let hub: Ospf | undefined;
  const { [plan.hub]: hubHost, ...sites } = hosts;
  return eachHost({ [plan.hub]: hubHost!, ...sites }, (host, at) =>
    step(host, (there) => {
      const { announce, interfaces } = plan.ospf[at]!;
      const own = interfaces.flatMap(({ link }) => links[link]!.ready);
      const ospf = new Ospf(
        `${name}-ospf-${at}`,
        {
          ...there,
          after: [...(there.after ?? []), ...own, ...(hub?.ready ?? [])],
          routerId: plan.hosts[at]!.identity.v4,
          identity: plan.hosts[at]!.identity,
          space: plan.space,
          announce: [...announce],
          interfaces: interfaces.map(({ link, ...rest }) => ({
            ...rest,
            secret: secrets[link]!,
            required: at !== plan.hub && rest.neighbour === plan.hub,
          })),
        },
        { parent },
      );
      if (at === plan.hub) hub = ospf;
      return ospf.ready;
    }),
  );
}
