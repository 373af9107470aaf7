/** How something is plugged in: point to point into the Internet's router, or into a site's LAN. */
import { GATEWAY, INTERNET } from "../constants";
import { ip } from "./net";

/** Namespace of the router that is the Internet. */
export const INTERNET_NS = "internet";

/** A point-to-point attachment to the Internet. */
export interface Uplink {
  /** Name, at most 15 characters: that of the router's interface towards it. */
  name: string;
  /** Namespace of the other side. */
  namespace: string;
  /** The interface's name there. */
  ifname: string;
  mac: string;
  /** What the Internet routes to it: addresses and prefixes of both families. */
  prefixes: readonly string[];
  /** MTU of the link at both ends; default 1500. */
  mtu?: number;
  /**
   * Whether IPv6 is delivered on-link: the router asks for each address by neighbour discovery. Absent: all of it is
   * routed to the host.
   */
  onLink?: boolean;
}

/**
 * The ip(8) command that gives `prefix` to an attachment. IPv6 is routed to the host as a whole, without neighbour
 * discovery, unless it is on-link.
 */
function routeCommand({ name: dev, onLink }: Pick<Uplink, "name" | "onLink">, prefix: string): string {
  if (!prefix.includes(":")) return `route replace ${prefix} dev ${dev} src ${INTERNET.ipv4}`;
  return `route replace ${prefix} ${onLink ? "" : "via fe80::2 "}dev ${dev} src ${INTERNET.ipv6}`;
}

/** Delivers the prefixes of an attachment that is plugged in as `onLink` says. */
export async function deliver(uplink: Pick<Uplink, "name" | "onLink" | "prefixes">): Promise<void> {
  await ip(
    uplink.prefixes.map((prefix) => routeCommand(uplink, prefix)),
    INTERNET_NS,
  );
}

/** Plugs a namespace into the Internet. What was plugged in under that name before is taken out. */
export async function plugIntoInternet(uplink: Uplink): Promise<void> {
  const { name: dev, mtu = 1500 } = uplink;
  await unplugFromInternet(uplink.name);
  await ip(
    [
      `link add ${dev} mtu ${mtu} type veth peer name ${uplink.ifname} mtu ${mtu} address ${uplink.mac} netns ${uplink.namespace}`,
      `link set ${dev} addrgenmode none up`,
      `addr add ${GATEWAY.ipv4}/32 dev ${dev}`,
      `addr add ${GATEWAY.ipv6}/64 dev ${dev} nodad`,
      // Everything for the attachment's IPv6 prefixes goes to this one link-layer address, as to a routed /64.
      `neigh replace fe80::2 lladdr ${uplink.mac} dev ${dev} nud permanent`,
    ],
    INTERNET_NS,
  );
  await deliver(uplink);
}

/** Takes an attachment out; both ends are gone then. One that is not there is no error. */
export async function unplugFromInternet(name: string): Promise<void> {
  await ip([`link del ${name}`], INTERNET_NS).catch(() => undefined);
}

/** Plugs a namespace into the LAN of the site whose router is `router`; its interface is `eth0`. */
export async function plugIntoLan(router: string, name: string, namespace: string, mac: string): Promise<void> {
  const dev = `lan-${name}`;
  await unplugFromLan(router, name);
  await ip(
    [
      `link add ${dev} type veth peer name eth0 address ${mac} netns ${namespace}`,
      `link set ${dev} addrgenmode none master lan up`,
    ],
    router,
  );
}

/** Takes a namespace out of a LAN. One that is not there is no error. */
export async function unplugFromLan(router: string, name: string): Promise<void> {
  await ip([`link del lan-${name}`], router).catch(() => undefined);
}

/** ip(8) commands for the far side of an attachment that has no operating system of its own to configure it. */
export function uplinkAddressCommands(ifname: string, addresses: readonly string[]): string[] {
  return [
    `link set ${ifname} addrgenmode none up`,
    `addr add fe80::2/64 dev ${ifname} nodad`,
    ...addresses.map(
      (address) =>
        `addr add ${address}/${address.includes(":") ? 128 : 32} dev ${ifname}${address.includes(":") ? " nodad" : ""}`,
    ),
    `route add default via ${GATEWAY.ipv4} dev ${ifname} onlink`,
    `route add default via ${GATEWAY.ipv6} dev ${ifname}`,
  ];
}
