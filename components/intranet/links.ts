/** The tunnels and OSPF over them. */
import * as pulumi from "@pulumi/pulumi";
import { SharedSecret, TunnelKeys } from "../../host";
import type { LinkEnd, LinkPlan } from "../../model";
import { step, type ManagedHost } from "../common/managed-host";
import { Ospf } from "../ospf/ospf";
import type { WireGuardEnd, WireGuardLinkArgs } from "../wireguard/args";
import { WireGuardLink } from "../wireguard/wireguard-link";
import { ownersOf } from "./owners";
import { eachHost, type Hosts, type Parts } from "./parts";
import { publicOspf } from "./public";

/**
 * What the resources of a tunnel are called: after the site for one to the hub, after both for one between sites. The
 * second tunnel between the same hosts has resources of its own, so that the first ones' are deleted when it has taken
 * over.
 */
function resourceName({ name, plan }: Parts, link: LinkPlan): string {
  const prefix = link.slot === 1 ? name : `${name}-second`;
  return link.a.host === plan.hub ? `${prefix}-link-${link.b.host}` : `${prefix}-between-${link.name}`;
}

/** What a change of a tunnel's keys does where there is no second tunnel, in words for the preview that shows it. */
function inPlace({ name, drained }: LinkPlan): string {
  if (drained)
    return `link ${name}: step 2 of 3: its keys change now, while it is drained; then take \`drained\` away, which puts it back.`;
  return (
    `link ${name}: its endpoint has no sparePort, so its keys change in place and it is down for some seconds. ` +
    "To lose nothing, put the keyVersion back and do it in three updates: 1. drained: true; 2. the new keyVersion; 3. without drained."
  );
}

/** Why a tunnel that has a second one beside it keeps its keys. */
function fixedKeys({ name, keyVersion }: LinkPlan): string {
  return (
    `link ${name}: the keys of a tunnel that is in use do not change: the keys of the next version belong to a second tunnel, which takes over ` +
    `from it. Raise keyVersion by one at a time, with an update for each, and not at once to ${keyVersion}.`
  );
}

/** All tunnels' keys, by the tunnel's name. */
export function makeKeys(parts: Parts): Record<string, TunnelKeys> {
  const keys = (link: LinkPlan): TunnelKeys => {
    const onChange = link.other ? { fixed: fixedKeys(link) } : { notice: inPlace(link) };
    const args = { keyVersion: link.keyVersion, ...onChange };
    return new TunnelKeys(`${resourceName(parts, link)}-keys`, args, { parent: parts.parent });
  };
  for (const { name, drained } of parts.plan.links)
    if (drained) {
      const text = `link ${name} is drained: nothing is sent through it while there is another way. To change its keys raise its keyVersion now.`;
      void pulumi.log.info(text, parts.parent);
    }
  return Object.fromEntries(parts.plan.links.map((link) => [link.name, keys(link)]));
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
    ...(link.other ? { other: end === link.a ? link.other.a : link.other.b } : {}),
  };
}

/** What both ends of a tunnel have in common. */
export function linkSettings({ mtu, slot }: LinkPlan): Pick<WireGuardLinkArgs, "mtu" | "metric"> {
  return { mtu, ...(slot === 1 ? {} : { metric: 4001 }) };
}

/** Makes the tunnels, by name. */
export function makeLinks(parts: Parts, keys: Record<string, TunnelKeys>, hosts: Hosts): Record<string, WireGuardLink> {
  const links = parts.plan.links.map((link) => {
    const a = wireGuardEnd(parts, link, link.a, hosts[link.a.host]!);
    const b = wireGuardEnd(parts, link, link.b, hosts[link.b.host]!);
    const args = { a, b, ...linkSettings(link), keys: keys[link.name]! };
    return [link.name, new WireGuardLink(resourceName(parts, link), args, { parent: parts.parent })] as const;
  });
  return Object.fromEntries(links);
}

/**
 * OSPF on every host: the hub first, then each site, which must see the hub. A host takes to a tunnel only when both
 * ends of it have been applied in this `up`: one that stands since an `up` that was killed may be about to be undone at
 * the other end.
 */
export function makeOspf(parts: Parts, links: Record<string, WireGuardLink>, hosts: Hosts): Hosts {
  const { name, parent, plan } = parts;
  const secrets = Object.fromEntries(
    plan.links.map(({ name: link, keyVersion }) => [
      link,
      new SharedSecret(`${name}-ospf-key-${link}`, { keyVersion }, { parent }),
    ]),
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
          order: Promise.all(interfaces.map(({ link }) => links[link]!.applied)),
          routerId: plan.hosts[at]!.identity.v4,
          identity: plan.hosts[at]!.identity,
          space: plan.space,
          announce: [...announce],
          ...publicOspf(parts, at),
          ...ownersOf(parts, at),
          interfaces: interfaces.map(({ link, spare, ...rest }) => ({
            ...rest,
            secret: secrets[link]!.value,
            ...(spare === undefined ? {} : { spare: { interface: spare, secret: secrets[link]!.previous } }),
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
