/** What each site's host answers over its tunnels, by the plan. Pure. */
import type { IntranetPlan } from "../../model";
import { CRL_PORT } from "../certificate-authority/render";
import { insidePrefixes } from "../common/inside";
import { SSH_PORT } from "../enrolment/enrolment";
import type { TunnelAnswers } from "../host-identity/render";
import type { IntranetArgs } from "./args";

const DNS_PORT = 53;
const WEB_PORTS = [80, 443];

/** The TCP ports of the services at a host, also of those that the Internet reaches. */
function servicePorts(plan: IntranetPlan, host: string): number[] {
  return Object.values(plan.services)
    .filter((service) => service.host === host)
    .flatMap((service) => [
      ...(service.protocol === "https" ? WEB_PORTS : [service.port]),
      ...(service.public?.ports ?? []),
    ]);
}

/**
 * What a site's host answers: its services, the name server and the CA where it is one, and SSH to the sinkhole, which
 * passes the operator on to hosts that are joined, and to the management's prefixes inside.
 */
export function answersOf(plan: IntranetPlan, args: IntranetArgs, site: string): TunnelAnswers {
  const names = plan.dns?.servers.includes(site) ? [DNS_PORT] : [];
  const authority =
    plan.certificateAuthority?.host === site ? [plan.certificateAuthority.port, CRL_PORT, ...WEB_PORTS] : [];
  const { v4, v6 } = plan.hosts[plan.hub]!.identity;
  return {
    tcp: [...new Set([...servicePorts(plan, site), ...names, ...authority])].sort((a, b) => a - b),
    udp: names,
    management: {
      port: plan.hosts[site]!.enrolled ? SSH_PORT : (args.sites[site]!.host.port ?? 22),
      from: [`${v4}/32`, `${v6}/128`, ...insidePrefixes(args.sinkhole.management.from, plan.space)],
    },
  };
}
