/** What can be reached, keyed by what it says, so that a preview shows an opening as one line that comes or goes. */
import { urlOf } from "./exposure";
import type { IntranetPlan } from "./plan";
import { publicServices } from "./public";
import type { SinkholeSpec } from "./spec";

/**
 * What those who reach something get, by `FROM → WHAT at HOST: PROTOCOL PORTS`, for example `inside → nextcloud at
 * home: tcp 80, 443`.
 */
export type Openings = Readonly<Record<string, string>>;

/** A service's own address, and its name in TLS at the sinkhole's. */
const PUBLIC = "at an IPv6 address of its own, and by its name in TLS over the sinkhole's IPv4";
const KEYS = "nothing without a WireGuard key that is known";

/**
 * All openings. FROM is `internet` (everybody), `management` (the prefixes that may log in to the sinkhole) or `inside`
 * (devices, sites and the LANs that they route). Adding or removing one changes no other key.
 */
export function openingsOf(plan: IntranetPlan, management: SinkholeSpec["management"]): Openings {
  const found: Record<string, string> = {};
  const open = (from: string, what: string, host: string, ports: string, gets: string): void => {
    found[`${from} → ${what} at ${host}: ${ports}`] = gets;
  };
  const all = publicServices(plan.services);
  const but = all.length === 0 ? "whatever the name" : "but for the names of public services";
  open("internet", "web", plan.hub, "tcp 80, 443", `ACCESS DENIED (403), ${but}`);
  open("internet", "echo", plan.hub, "icmp, icmpv6", "answers to ping, and path MTU messages");
  open("internet", "devices' tunnels", plan.hub, `udp ${plan.deviceHub.listenPort}`, KEYS);
  for (const { a, b, ports } of plan.links) {
    const forwarded = a.host === plan.hub ? "" : ", where the site's router forwards it";
    open("internet", `tunnel of ${b.host}`, a.host, `udp ${ports.join(", ")}`, KEYS + forwarded);
  }
  open("management", "ssh", plan.hub, "tcp 22", `a login with the operator's key, from ${management.from.join(", ")}`);
  for (const server of plan.dns?.servers ?? []) open("inside", "dns", server, "tcp, udp 53", `names of ${plan.domain}`);
  if (plan.certificateAuthority) {
    const { host, port, fqdn } = plan.certificateAuthority;
    open("inside", "ca", host, `tcp 80, ${port}`, `http://${fqdn}: the root certificate`);
  }
  for (const service of all) {
    const ports = `tcp ${service.public.ports.join(", ")}`;
    open("internet", service.name, service.host, ports, `${urlOf(service)}, ${PUBLIC}`);
  }
  for (const service of Object.values(plan.services)) {
    const ports = service.protocol === "tcp" ? `tcp ${service.port}` : "tcp 80, 443";
    open("inside", service.name, service.host, ports, urlOf(service));
  }
  return found;
}
