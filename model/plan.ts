/** What follows from a description: pure data, the same for the same description, stable under adding and removing. */
import type { RecordSpec, ServiceSpec, SiteSpec } from "./spec";
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
  /** One tunnel from each site to the hub, then those between sites. */
  readonly links: readonly LinkPlan[];
  /** What each host says and hears by OSPF, by host. */
  readonly ospf: Readonly<Record<string, OspfPlan>>;
  /** Every device's addresses, by name. */
  readonly devices: Readonly<Record<string, PerFamily>>;
  /** Where devices come in. */
  readonly deviceHub: DeviceHubPlan;
  /** Every service by its lower-case name. */
  readonly services: Readonly<Record<string, ServicePlan>>;
  /** Who answers for names, and which; absent: nobody. */
  readonly dns?: DnsPlan;
  /** Who issues certificates; absent: nobody. */
  readonly certificateAuthority?: CertificateAuthorityPlan;
  /** Who certifies public services; absent: there are none. */
  readonly publicCertificates?: PublicCertificatesPlan;
  /** What is allowed and will probably hurt; shown, never fatal. */
  readonly warnings: readonly Issue[];
}

/** A managed host. */
export interface HostPlan {
  /** Its addresses on `lo`, by which it is known everywhere in the intranet. Without prefix length. */
  readonly identity: PerFamily;
  /** Whether it is joined by a script and managed through its tunnel. */
  readonly enrolled: boolean;
}

/** What a host forwards: nothing, between its tunnels, or between its LAN and its tunnels too. */
export type Forwarding = "none" | "transit" | "lan";

/** A site. */
export interface SitePlan {
  /** The LAN's prefixes. */
  readonly lan: readonly string[];
  /** See {@link SiteSpec.router}. */
  readonly router: SiteSpec["router"];
  /** The host's address on the LAN. */
  readonly hostAddress: string;
  /** What its host forwards. */
  readonly forwarding: Forwarding;
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
  /** The other host's identity, both families: reached straight through the tunnel as long as OSPF knows no way. */
  readonly routes: readonly string[];
}

/** A tunnel between two hosts. */
export interface LinkPlan {
  /** `<listening host>-<dialling host>` */
  readonly name: string;
  /** The end that listens: the hub's, or that of a site whose router forwards a port. */
  readonly a: LinkEnd;
  /** The end that dials and keeps its NAT open. */
  readonly b: LinkEnd;
  /** Where `a` is reached; absent for the hub, whose address its cloud gives. */
  readonly endpoint?: { readonly address: string; readonly port: number };
  /**
   * The UDP ports at which `a` may listen, whichever of the two tunnels between the hosts stands: all of them are open.
   */
  readonly ports: readonly number[];
  /** Which keys and which OSPF secret; see {@link LinkSpec.keyVersion}. */
  readonly keyVersion: number;
  /**
   * Which of the two tunnels between the hosts this is: the first has the keys of odd versions, the second those of
   * even ones.
   */
  readonly slot: 1 | 2;
  /** The interfaces of the other one. Absent: there is a port for one only, and its keys change in place. */
  readonly other?: { readonly a: string; readonly b: string };
  /** See {@link LinkSpec.drained}. */
  readonly drained: boolean;
  /** OSPF's cost, both ways: that of a drained tunnel is above all others. */
  readonly cost: number;
  /** OSPF's area. */
  readonly area: number;
  /** The MTU of both interfaces, in bytes. */
  readonly mtu: number;
}

/** A host's part in OSPF. Its router id is its IPv4 identity. */
export interface OspfPlan {
  /** The prefixes that it announces beside its identity. */
  readonly announce: readonly string[];
  /** The tunnels that it speaks OSPF on. */
  readonly interfaces: readonly {
    readonly interface: string;
    /** The {@link LinkPlan}'s name. */
    readonly link: string;
    readonly area: number;
    readonly cost: number;
    /**
     * The interface of the other tunnel to the same host, which has the keys before these as long as it is there.
     * Absent: there is one tunnel only.
     */
    readonly spare?: string;
    /** The host at the other end. */
    readonly neighbour: string;
  }[];
}

/** The internal names. */
export interface DnsPlan {
  /** The hosts that answer, the one that holds the zones first. */
  readonly servers: readonly string[];
  /** Their addresses, in that order: the IPv4 ones, then the IPv6 ones. */
  readonly resolvers: readonly string[];
  /** The records, names relative to the domain: hosts with something to offer, services, the CA, and the extra ones. */
  readonly records: readonly RecordSpec[];
  /** The names of addresses. */
  readonly reverse: readonly { readonly address: string; readonly name: string }[];
}

/** The internal CA. */
export interface CertificateAuthorityPlan {
  /** The host that issues. */
  readonly host: string;
  /** Its full domain name. */
  readonly fqdn: string;
  /** Its TCP port. */
  readonly port: number;
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
  /** Where the application listens; see {@link ServiceSpec.port}. */
  readonly port: number;
  readonly protocol: NonNullable<ServiceSpec["protocol"]>;
  /** Who may reach it. */
  readonly audience: NonNullable<ServiceSpec["audience"]>;
  /**
   * The addresses at which it is answered: the host's identity, which its name leads to, first, then the LAN address.
   */
  readonly addresses: { readonly v4: readonly string[]; readonly v6: readonly string[] };
  /** What the Internet reaches of it; absent: nothing. */
  readonly public?: PublicPlan;
}

/** A service's place in the sinkhole's /64, and what is open there. */
export interface PublicPlan {
  /** Its site's number: that of the /80. */
  readonly site: number;
  /** Its own number in the /80. */
  readonly service: number;
  /** The TCP ports at which its own IPv6 address is reached. */
  readonly ports: readonly number[];
  /** The TCP ports of the sinkhole's IPv4 address at which its name in a TLS handshake leads to it. */
  readonly guestPorts: readonly number[];
  /** See {@link ServiceSpec.user}. */
  readonly user?: string;
}

/** Who certifies public services. */
export interface PublicCertificatesPlan {
  /** URL of the ACME directory. */
  readonly directory: string;
  /** Its name in CAA records. */
  readonly issuer: string;
  /** The root of its own TLS certificate, PEM; absent: those that Debian trusts. */
  readonly rootCertificate?: string;
  /** Absent: none. */
  readonly email?: string;
}
