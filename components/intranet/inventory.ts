/**
 * What there is, by name: a preview shows what comes and goes, and all of it but the sinkhole's own addresses is known
 * before anything is made. Pure.
 */
import type * as pulumi from "@pulumi/pulumi";
import { serviceAddress, urlOf, type PerFamily, type IntranetPlan, type ServicePlan } from "../../model";

/** A site and its host. */
export interface SiteEntry {
  /** The host's address on its LAN. */
  readonly address: string;
  /** The addresses by which it is known everywhere in the intranet. */
  readonly identity: PerFamily;
}

/** A service. */
export interface ServiceEntry {
  /** The host that it runs on. */
  readonly host: string;
  /** A URL, or name and port. */
  readonly at: string;
  /** Its IPv4 address inside. */
  readonly address: string;
  /** `intranet`: everybody inside; `internet`: everybody. */
  readonly audience: string;
  /** Its IPv6 address outside; absent: nobody outside reaches it. */
  readonly publicAddress?: pulumi.Output<string>;
}

/** What there is, by kind and name. */
export interface Inventory {
  /** The public server. Its addresses are known once it has been made. */
  readonly sinkhole: Readonly<
    Record<string, { ipv4: pulumi.Output<string>; ipv6: pulumi.Output<string>; identity: PerFamily }>
  >;
  readonly sites: Readonly<Record<string, SiteEntry>>;
  readonly services: Readonly<Record<string, ServiceEntry>>;
  /** Devices and their addresses inside. */
  readonly devices: Readonly<Record<string, PerFamily>>;
}

/** The sinkhole's public addresses, and the network that those of public services are in. */
interface PublicAddresses {
  readonly ipv4: pulumi.Output<string>;
  readonly ipv6: pulumi.Output<string>;
  readonly ipv6Network: pulumi.Output<string>;
}

/** A value for each name. */
function byName<T, U>(all: Readonly<Record<string, T>>, entry: (value: T, name: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, entry(value, name)]));
}

/** The inventory of a plan. */
export function inventoryOf(plan: IntranetPlan, { ipv4, ipv6, ipv6Network }: PublicAddresses): Inventory {
  const identity = (host: string): PerFamily => plan.hosts[host]!.identity;
  const service = (one: ServicePlan): ServiceEntry => {
    const at = { host: one.host, at: urlOf(one), address: one.addresses.v4[0]!, audience: one.audience };
    const { public: outside } = one;
    return outside ? { ...at, publicAddress: ipv6Network.apply((network) => serviceAddress(network, outside)) } : at;
  };
  return {
    sinkhole: { [plan.hub]: { ipv4, ipv6, identity: identity(plan.hub) } },
    sites: byName(plan.sites, ({ hostAddress }, name) => ({ address: hostAddress, identity: identity(name) })),
    services: byName(plan.services, service),
    devices: byName(plan.devices, ({ v4, v6 }) => ({ v4, v6 })),
  };
}
