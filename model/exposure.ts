/** Who can reach what, in words: one row for each thing that listens. */
import type { IntranetPlan, ServicePlan } from "./plan";
import { publicServices } from "./public";
import type { SinkholeSpec } from "./spec";

/** One thing that can be reached. */
export interface ExposureRow {
  /** What it is, for example `nextcloud`. */
  readonly what: string;
  /** The host that answers. */
  readonly host: string;
  /** Protocol and ports, for example `tcp 80, 443`. */
  readonly ports: string;
  /** Who reaches it. */
  readonly from: string;
  /** What they get. */
  readonly gets: string;
}

/** All rows: the Internet's side first, then one for each service, by name. */
export function exposureOf(plan: IntranetPlan, management: SinkholeSpec["management"]): ExposureRow[] {
  const listening = (host: string): number[] =>
    plan.links.filter((link) => link.a.host === host).flatMap((link) => link.ports);
  const ports = [...listening(plan.hub), plan.deviceHub.listenPort].sort((a, b) => a - b);
  const open = publicServices(plan.services);
  const rows: ExposureRow[] = [
    {
      what: "web",
      host: plan.hub,
      ports: "tcp 80, 443",
      from: INTERNET,
      gets: `ACCESS DENIED (403), ${open.length === 0 ? "whatever the name" : "but for the names of public services"}`,
    },
    {
      what: "ssh",
      host: plan.hub,
      ports: "tcp 22",
      from: management.from.join(", "),
      gets: "a login with the operator's key",
    },
    {
      what: "tunnels",
      host: plan.hub,
      ports: `udp ${ports.join(", ")}`,
      from: INTERNET,
      gets: "nothing without a WireGuard key that is known",
    },
    {
      what: "echo",
      host: plan.hub,
      ports: "icmp, icmpv6",
      from: INTERNET,
      gets: "answers to ping, and path MTU messages",
    },
  ];
  for (const site of Object.keys(plan.sites)) {
    const forwarded = listening(site);
    if (forwarded.length === 0) continue;
    rows.push({
      what: "tunnels",
      host: site,
      ports: `udp ${forwarded.join(", ")}`,
      from: "the Internet, where the site's router forwards them",
      gets: "nothing without a WireGuard key that is known",
    });
  }
  for (const server of plan.dns?.servers ?? [])
    rows.push({ what: "dns", host: server, ports: "tcp, udp 53", from: INSIDE, gets: `names of ${plan.domain}` });
  if (plan.certificateAuthority) {
    const { host, port, fqdn } = plan.certificateAuthority;
    rows.push({
      what: "ca",
      host,
      ports: `tcp 80, ${port}`,
      from: INSIDE,
      gets: `http://${fqdn}: the root certificate`,
    });
  }
  for (const service of open)
    rows.push({
      what: service.name,
      host: service.host,
      ports: `tcp ${service.public.ports.join(", ")}`,
      from: INTERNET,
      gets: `${urlOf(service)}, at an IPv6 address of its own, and by its name in TLS over the sinkhole's IPv4`,
    });
  for (const service of Object.values(plan.services)) {
    rows.push({
      what: service.name,
      host: service.host,
      ports: service.protocol === "tcp" ? `tcp ${service.port}` : "tcp 80, 443",
      from: INSIDE,
      gets: urlOf(service),
    });
  }
  return rows;
}

const INTERNET = "the Internet";
const INSIDE = "devices, sites and the LANs that they route";

/** Where a service is reached: a URL, or name and port. */
export function urlOf(service: ServicePlan): string {
  return service.protocol === "tcp" ? `${service.fqdn}:${service.port}` : `https://${service.fqdn}`;
}
