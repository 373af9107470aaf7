/** The managed hosts: the sinkhole, sites that the operator reaches, and sites that are joined by a script. */
import type { ConnectionArgs, TunnelKeys } from "../../host";
import type { HostSpec } from "../../model";
import { step, type ManagedHost } from "../common/managed-host";
import { Enrolment } from "../enrolment/enrolment";
import type { HostIdentityArgs } from "../host-identity/args";
import { HostIdentity } from "../host-identity/host-identity";
import { hasUplink, identityRole, uplinkRole } from "../host-identity/roles";
import { linkRole } from "../wireguard/roles";
import { linkSettings, wireGuardEnd } from "./links";
import { answersOf } from "./answers";
import type { Hosts, Parts } from "./parts";
import { publicNetwork } from "./public";

/** Every managed host with its identity, and the scripts by which some are joined. */
export interface ManagedHosts {
  readonly hosts: Hosts;
  /** By site. */
  readonly enrolments: Readonly<Record<string, Enrolment>>;
}

/** Makes the hosts' identities, those of joined ones as soon as they have joined. */
export function makeHosts(parts: Parts, keys: Record<string, TunnelKeys>): ManagedHosts {
  const { name, parent, plan, args, sinkhole } = parts;
  const hub: ManagedHost = { ...sinkhole.host, after: sinkhole.ready };
  const hosts: Record<string, ManagedHost> = { [plan.hub]: hub };
  const enrolments: Record<string, Enrolment> = {};
  for (const [site, { forwarding }] of Object.entries(plan.sites)) {
    const identity = {
      ...plan.hosts[site]!.identity,
      space: plan.space,
      forwarding,
      answers: answersOf(plan, args, site),
      ...publicNetwork(parts),
    };
    let host: ManagedHost;
    if (plan.hosts[site]!.enrolled) {
      const enrolment = enrol(parts, site, identity, keys, hub);
      enrolments[site] = enrolment;
      host = enrolment.managed;
    } else host = { connection: connectionTo(site, args.sites[site]!.host, args.sshPublicKeys) };
    hosts[site] = step(
      host,
      (there) => new HostIdentity(`${name}-site-${site}`, { ...there, ...identity }, { parent }).ready,
    );
  }
  return { hosts, enrolments };
}

/**
 * A host that is joined by a script: the script makes what the roles of its identity and of its tunnel to the hub will
 * take over.
 */
function enrol(
  parts: Parts,
  site: string,
  identity: Omit<HostIdentityArgs, keyof ManagedHost>,
  keys: Record<string, TunnelKeys>,
  hub: ManagedHost,
): Enrolment {
  const { name, parent, plan, args } = parts;
  const link = plan.links.find(({ a, b }) => a.host === plan.hub && b.host === site)!;
  const ends = { a: wireGuardEnd(parts, link, link.a, hub), b: wireGuardEnd(parts, link, link.b, hub) };
  const { a, b } = keys[link.name]!;
  const { hostKeyVersion } = args.sites[site]!.host;
  const roles = [
    ...(hasUplink(identity) ? [uplinkRole()] : []),
    identityRole({ ...hub, ...identity }),
    linkRole(ends.b, ends.a, linkSettings(link), { privateKey: b.privateKey, peerPublicKey: a.publicKey }),
  ];
  return new Enrolment(
    `${name}-enrolment-${site}`,
    {
      host: site,
      hub,
      address: plan.hosts[site]!.identity.v4,
      sshPublicKeys: args.sshPublicKeys,
      roles,
      ...(hostKeyVersion === undefined ? {} : { keyVersion: hostKeyVersion }),
    },
    { parent },
  );
}

function connectionTo(site: string, host: HostSpec, operatorKeys: string[]): ConnectionArgs {
  const { address, port, user, hostKeys } = host;
  return {
    name: site,
    address,
    hostKeys: hostKeys!,
    operatorKeys,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
  };
}
