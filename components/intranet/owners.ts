/** Whose each prefix is, and by which tunnels a host may reach its owner, by the plan. */
import { publicServices, sitePrefix, type IntranetPlan } from "../../model";
import type { OspfArgs } from "../ospf/args";
import type { Parts } from "./parts";

/** The hosts that a neighbour leads to without passing `at`. */
function behind(plan: IntranetPlan, at: string, neighbour: string): Set<string> {
  const found = new Set([neighbour]);
  const open = [neighbour];
  for (let host = open.pop(); host !== undefined; host = open.pop())
    for (const { neighbour: next } of plan.ospf[host]!.interfaces)
      if (next !== at && !found.has(next)) {
        found.add(next);
        open.push(next);
      }
  return found;
}

/**
 * What each other host may announce to `at`, and by which tunnels. None for a host with a single neighbour: whatever it
 * believes, it sends there, and that one looks for itself.
 */
export function ownersOf({ plan, sinkhole }: Parts, at: string): Pick<OspfArgs, "owners"> {
  const { interfaces } = plan.ospf[at]!;
  if (new Set(interfaces.map(({ neighbour }) => neighbour)).size < 2) return {};
  const reached = interfaces.map((one) => ({ one, hosts: behind(plan, at, one.neighbour) }));
  const numbers = new Map(publicServices(plan.services).map((service) => [service.host, service.public.site]));
  const others = Object.keys(plan.ospf).filter((host) => host !== at);
  return {
    owners: Object.fromEntries(
      others.map((host) => {
        const { identity } = plan.hosts[host]!;
        const number = numbers.get(host);
        const ways = reached.filter(({ hosts }) => hosts.has(host));
        return [
          host,
          {
            routerId: identity.v4,
            prefixes: [`${identity.v4}/32`, `${identity.v6}/128`, ...plan.ospf[host]!.announce],
            ways: ways.flatMap(({ one: { interface: own, spare } }) => (spare === undefined ? [own] : [own, spare])),
            border: new Set(plan.ospf[host]!.interfaces.map(({ area }) => area)).size > 1,
            ...(number === undefined
              ? {}
              : { services: sinkhole.ipv6Network.apply((network) => sitePrefix(network, number)) }),
          },
        ];
      }),
    ),
  };
}
