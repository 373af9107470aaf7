/** What follows from a description: pure data, the same for the same description, stable under adding and removing. */
import type { ServiceSpec, SiteSpec } from "./spec";
import type { Issue } from "./errors";

/** A value for each family, as canonical text. */
export interface PerFamily {
  /** IPv4 */
  readonly v4: string;
  /** IPv6 */
  readonly v6: string;
}

/** The whole intranet, worked out. */
export interface IntranetPlan {
  /** The name of the intranet, as given. */
  readonly name: string;
  /** The domain of its services. */
  readonly domain: string;
  /** The supernets. */
  readonly space: PerFamily;
  /** The host that all tunnels lead to: `vps`. */
  readonly hub: string;
  /** Every managed host by name, the hub first. */
  readonly hosts: Readonly<Record<string, HostPlan>>;
  /** Every site by name. */
  readonly sites: Readonly<Record<string, SitePlan>>;
  /** One tunnel for each site, the hub's end first. */
  readonly links: readonly LinkPlan[];
  /** Every device's addresses, by name. */
  readonly devices: Readonly<Record<string, PerFamily>>;
  /** Where devices come in. */
  readonly deviceHub: DeviceHubPlan;
  /** Every service by its lower-case name. */
  readonly services: Readonly<Record<string, ServicePlan>>;
  /** What is allowed and will probably hurt; shown, never fatal. */
  readonly warnings: readonly Issue[];
}

/** A managed host. */
export interface HostPlan {
  /** Its addresses on `lo`, by which it is known everywhere in the intranet. Without prefix length. */
  readonly identity: PerFamily;
}

/** A site. */
export interface SitePlan {
  /** The LAN's prefixes. */
  readonly lan: readonly string[];
  /** See {@link SiteSpec.router}. */
  readonly router: SiteSpec["router"];
  /** The host's address on the LAN. */
  readonly hostAddress: string;
  /** Whether the host forwards between the LAN and the tunnel. */
  readonly forwarding: boolean;
  /** For `router: "static"`: what to enter on the LAN's router. Else empty. */
  readonly staticRoutes: readonly { readonly destination: string; readonly gateway: string }[];
}

/** One end of a tunnel. */
export interface LinkEnd {
  /** The host at this end. */
  readonly host: string;
  /** The interface on it: `wg-…`, at most 15 characters. */
  readonly interface: string;
  /** Its IPv4 link-local address (RFC 3927), used as a point-to-point /32. */
  readonly v4: string;
  /** Its IPv6 link-local address, the only one of the interface, used with /64. */
  readonly v6: string;
  /** The UDP port at which this end is reached from the Internet; absent for the end that dials. */
  readonly listenPort?: number;
  /** The prefixes of both families that lie behind the other end. */
  readonly routes: readonly string[];
}

/** A tunnel between two hosts. */
export interface LinkPlan {
  /** `<hub>-<site>` */
  readonly name: string;
  /** The hub's end: it listens. */
  readonly a: LinkEnd;
  /** The site's end: it dials and keeps its NAT open. */
  readonly b: LinkEnd;
  /** The MTU of both interfaces, in bytes. */
  readonly mtu: number;
}

/** The interface on the hub that all devices share. */
export interface DeviceHubPlan {
  /** Its name: `wg-devices`. */
  readonly interface: string;
  /** Its UDP port: 51820, WireGuard's customary one. */
  readonly listenPort: number;
  /** The prefixes that devices get their addresses from. */
  readonly pool: PerFamily;
  /** The hub's own addresses in them. */
  readonly address: PerFamily;
  /** The MTU at both ends, in bytes. */
  readonly mtu: number;
}

/** A service. */
export interface ServicePlan {
  /** Its name, lower case. */
  readonly name: string;
  /** Its full domain name. */
  readonly fqdn: string;
  /** The host that runs it. */
  readonly host: string;
  /** Where the application listens on that host's loopback. */
  readonly port: number;
  /** Who may reach it. */
  readonly audience: NonNullable<ServiceSpec["audience"]>;
  /** The addresses at which its host's proxy answers for it: the host's identity first, then its LAN address. */
  readonly addresses: { readonly v4: readonly string[]; readonly v6: readonly string[] };
}
