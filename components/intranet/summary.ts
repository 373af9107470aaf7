/** What runs where, as a table. Pure. */
import { serviceAddress, urlOf, type IntranetPlan, type ServicePlan } from "../../model";

/** One row: a host, a service or a device. */
export interface SummaryRow {
  /** Its name. */
  readonly what: string;
  readonly kind: "sinkhole" | "site" | "service" | "device";
  /** The host it runs on; for a device, where it comes in. */
  readonly where: string;
  /** Where it is reached: an address in the intranet, or a URL. */
  readonly address: string;
  /** Who reaches it. */
  readonly audience: string;
}

/** The sinkhole's public addresses, and the network that those of public services are in. */
interface PublicAddresses {
  readonly ipv4: string;
  readonly ipv6: string;
  readonly ipv6Network: string;
}

/** Where a service is answered, inside and outside. */
function answeredAt(service: ServicePlan, network: string): string {
  const inside = `${urlOf(service)} at ${service.addresses.v4[0]!}`;
  return service.public ? `${inside}, outside at ${serviceAddress(network, service.public)}` : inside;
}

/** The sinkhole, then sites, services and devices, each in the order of the description. */
export function summarise(plan: IntranetPlan, sinkhole: PublicAddresses): SummaryRow[] {
  const identity = (host: string): string => plan.hosts[host]!.identity.v4;
  return [
    {
      what: plan.hub,
      kind: "sinkhole",
      where: `${sinkhole.ipv4}, ${sinkhole.ipv6}`,
      address: identity(plan.hub),
      audience: "the Internet: ACCESS DENIED",
    },
    ...Object.entries(plan.sites).map(([name, site]) => ({
      what: name,
      kind: "site" as const,
      where: site.hostAddress,
      address: identity(name),
      audience: "intranet",
    })),
    ...Object.values(plan.services).map((service) => ({
      what: service.name,
      kind: "service" as const,
      where: service.host,
      address: answeredAt(service, sinkhole.ipv6Network),
      audience: service.audience,
    })),
    ...Object.entries(plan.devices).map(([name, device]) => ({
      what: name,
      kind: "device" as const,
      where: plan.deviceHub.interface,
      address: `${device.v4}, ${device.v6}`,
      audience: "-",
    })),
  ];
}
