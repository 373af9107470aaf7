/** Who can reach what, in words: one row for each thing that listens. */
import type { IntranetPlan } from "./plan";
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
  const ports = [...plan.links.map((link) => link.a.listenPort), plan.deviceHub.listenPort].sort((a, b) => a! - b!);
  const rows: ExposureRow[] = [
    {
      what: "web",
      host: plan.hub,
      ports: "tcp 80, 443",
      from: "the Internet",
      gets: "ACCESS DENIED (403), whatever the name",
    },
    {
      what: "ssh",
      host: plan.hub,
      ports: "tcp 22",
      from: `${management.from.join(", ")}; the space`,
      gets: "a login with the operator's key",
    },
    {
      what: "tunnels",
      host: plan.hub,
      ports: `udp ${ports.join(", ")}`,
      from: "the Internet",
      gets: "nothing without a WireGuard key that is known",
    },
    {
      what: "echo",
      host: plan.hub,
      ports: "icmp, icmpv6",
      from: "the Internet",
      gets: "answers to ping, and path MTU messages",
    },
  ];
  for (const service of Object.values(plan.services)) {
    rows.push({
      what: service.name,
      host: service.host,
      ports: "tcp 80",
      from: "devices, sites and the LAN of its site",
      gets: `http://${service.fqdn}`,
    });
  }
  return rows;
}
