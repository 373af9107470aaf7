/** The numbers and names that every plan uses. A change to one of them renumbers networks that exist. */

/** The sinkhole's host name. */
export const HUB = "vps";

/** The interface on the hub that devices come in by. */
export const DEVICE_INTERFACE = "wg-devices";

/** The UDP port of the device hub: the one that WireGuard's documents use. */
export const DEVICE_PORT = 51820;

/** Site names that would give an interface or a host a name that is taken. */
export const RESERVED_SITE_NAMES: readonly string[] = [HUB, "devices"];

/**
 * A site's tunnel listens at this port plus the site's number: above 60999, where Linux's ephemeral ports end
 * (ip_local_port_range).
 */
export const LINK_PORT_BASE = 61000;

/**
 * The same for a site's second tunnel, which takes over when keys change: below 32768, where Linux's ephemeral ports
 * begin.
 */
export const SECOND_PORT_BASE = 21000;

/** The largest number of a host, so that ports stay below 65536 and link addresses apart from 169.254.169.254. */
export const LAST_HOST_ID = 4094;

/** The hub's number, and that of the device hub in its pool, if nothing else is said. */
export const HUB_ID = 1;

/** The MTU of a way to the Internet that nothing is known about: PPPoE (RFC 2516). */
export const DEFAULT_UNDERLAY_MTU = 1492;

/** The MTU of a data centre's way to the Internet. */
export const HUB_UNDERLAY_MTU = 1500;

/** What WireGuard adds to a packet over IPv6: 40 (IPv6) + 8 (UDP) + 32 (header and tag), in bytes. */
export const TUNNEL_OVERHEAD = 80;

/** The least MTU that carries IPv6 (RFC 8200, section 5). */
export const MIN_TUNNEL_MTU = 1280;

/**
 * The MTU of devices' tunnels: the least, for a device is behind another network every day, mobile ones with 464XLAT
 * included.
 */
export const DEVICE_MTU = MIN_TUNNEL_MTU;

/**
 * The hub's IPv6 address on every link: not fe80::1, which is Hetzner's gateway. Link-local, so it may be the same on
 * all.
 */
export const HUB_LINK_LOCAL = "fe80::a";

/** The site's IPv6 address on its link. */
export const SITE_LINK_LOCAL = "fe80::b";

/**
 * The numbers of tunnels between sites: behind those of the sites, whose tunnels to the hub have the sites' own
 * numbers.
 */
export const SITE_LINK_IDS = { first: LAST_HOST_ID + 1, last: 8190 } as const;

/** What is added to a tunnel's number for the link-local addresses of the second one between the same hosts. */
export const SECOND_LINK_IDS = SITE_LINK_IDS.last + 1;

/** OSPF's cost of a tunnel that nothing is said about. */
export const DEFAULT_COST = 10;

/**
 * OSPF's cost of a tunnel that is drained: above every other (RFC 2328 has 16 bits), and one below the last for a
 * second tunnel beside it.
 */
export const DRAINED_COST = 65534;

/** The largest cost that a tunnel can be given. */
export const LARGEST_COST = DRAINED_COST - 1;

/** The area that all others talk through (RFC 2328, section 3), and that a tunnel is in if nothing is said. */
export const BACKBONE_AREA = 0;

/** The port of the internal CA: not the proxy's, which it certifies. */
export const CA_PORT = 9000;

/** The CA's label below the domain. */
export const CA_LABEL = "ca";

/** The label of the name server with that place in the list, from 0. */
export function nameServerLabel(index: number): string {
  return `ns${index + 1}`;
}

/** The seconds for which a record that says nothing else may be kept. */
export const DEFAULT_TTL = 300;
