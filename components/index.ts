/** The components of an intranet, each usable alone; {@link Intranet} puts them together. */
import "../host/stack-lines";

export { hostFrom, type HostReference } from "./common/host-from";
export type { ManagedHost } from "./common/managed-host";
export type { EnrolmentArgs } from "./enrolment/args";
export { Enrolment } from "./enrolment/enrolment";
export type { CertificateAuthorityArgs, TrustAnchorArgs } from "./certificate-authority/args";
export { CertificateAuthority } from "./certificate-authority/certificate-authority";
export { TrustAnchor } from "./certificate-authority/trust-anchor";
export type { HostIdentityArgs } from "./host-identity/args";
export { HostIdentity } from "./host-identity/host-identity";
export type { InternalDnsArgs, InternalRecord, NameServerHost } from "./internal-dns/args";
export { InternalDns } from "./internal-dns/internal-dns";
export type { IntranetArgs } from "./intranet/args";
export type { DeviceOutputs } from "./intranet/devices";
export type { Inventory, ServiceEntry, SiteEntry } from "./intranet/inventory";
export { Intranet, type CertificateAuthorityOutputs, type DnsOutputs } from "./intranet/intranet";
export type { SummaryRow } from "./intranet/summary";
export type { BfdArgs, OspfArgs, OspfInterface, OspfOwner, PinnedTable, PublicOspf } from "./ospf/args";
export { Ospf } from "./ospf/ospf";
export type { PinnedAccount, PolicyRouteArgs } from "./policy-route/args";
export { PolicyRoute } from "./policy-route/policy-route";
export type { PublicDnsArgs, PublicService } from "./public-dns/args";
export { PublicDns } from "./public-dns/public-dns";
export type { ResolverArgs } from "./resolver/args";
export { Resolver } from "./resolver/resolver";
export type { ReverseDnsArgs, ReverseName } from "./reverse-dns/args";
export { ReverseDns } from "./reverse-dns/reverse-dns";
export type {
  PublicCertificates,
  ReverseProxyArgs,
  ReverseProxyCertificates,
  ReverseProxyPage,
  ReverseProxySite,
} from "./reverse-proxy/args";
export { ReverseProxy } from "./reverse-proxy/reverse-proxy";
export type { RoadWarriorArgs } from "./road-warrior/args";
export { RoadWarrior } from "./road-warrior/road-warrior";
export type { PublishedService, SinkholeArgs } from "./sinkhole/args";
export { Sinkhole } from "./sinkhole/sinkhole";
export type { GuestService, SniEngine, SniProxyArgs } from "./sni-proxy/args";
export { SniProxy } from "./sni-proxy/sni-proxy";
export type { SitePrefixArgs, SiteService } from "./site-prefix/args";
export { SitePrefix } from "./site-prefix/site-prefix";
export type { DeviceHubArgs, DevicePeer, WireGuardEnd, WireGuardLinkArgs } from "./wireguard/args";
export { DeviceHub } from "./wireguard/device-hub";
export { WireGuardLink } from "./wireguard/wireguard-link";
