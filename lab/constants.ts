/**
 * The fixed facts of the lab: addresses, names, tokens. Everything is from documentation prefixes (RFC 5737, RFC 3849) and
 * RFC 1918 space, and exists only inside the lab's own namespaces. The stack's `lab` configuration agrees with them.
 */

/** Version of Debian that hosts run. */
export const DEBIAN_SUITE = "trixie";

/** Addresses of the name, cloud and package services, all in namespace `services`. */
export const SERVICES = {
  ipv4Prefix: "192.0.2.0/25",
  ipv6Prefix: "2001:db8:0:1::/64",
  hetzner: { ipv4: "192.0.2.10", ipv6: "2001:db8:0:1::10" },
  cloudflare: { ipv4: "192.0.2.11", ipv6: "2001:db8:0:1::11" },
  resolver: { ipv4: "192.0.2.53", ipv6: "2001:db8:0:1::53" },
  authoritative: { ipv4: "192.0.2.54", ipv6: "2001:db8:0:1::54" },
  packages: { ipv4: "192.0.2.80", ipv6: "2001:db8:0:1::80" },
} as const;

/** Base URL of the Hetzner Cloud API of the lab (`HCLOUD_ENDPOINT`). */
export const HCLOUD_ENDPOINT = `http://${SERVICES.hetzner.ipv4}/v1`;
/** Base URL of the Cloudflare API of the lab (`CLOUDFLARE_BASE_URL`). */
export const CLOUDFLARE_BASE_URL = `http://${SERVICES.cloudflare.ipv4}/client/v4`;
/** The Hetzner token that the lab accepts: 64 characters, worthless elsewhere. */
export const HCLOUD_TOKEN = "LabOnlyHetznerToken0".padEnd(64, "0123456789abcdef");
/** The Cloudflare token that the lab accepts: 40 characters, worthless elsewhere. */
export const CLOUDFLARE_API_TOKEN = "LabOnlyCloudflareToken".padEnd(40, "0123456789");
/** URL of the package repository that managed hosts install from. */
export const PACKAGES_URL = `http://${SERVICES.packages.ipv4}/debian`;

/** Public address space of the Hetzner service. */
export const HETZNER_SPACE = {
  /** Primary IPv4 addresses come out of this prefix. */
  ipv4: "198.51.100.0/25",
  /** Primary IPv6 networks are /64 out of this prefix. */
  ipv6: "2001:db8:100::/48",
} as const;

/** The gateway that every point-to-point attachment sees, as on a Hetzner server: on-link, the same everywhere. */
export const GATEWAY = { ipv4: "172.31.1.1", ipv6: "fe80::1" } as const;
/** The internet router's own addresses: source of its ICMP errors. */
export const INTERNET = { ipv4: "192.0.2.129", ipv6: "2001:db8:0:ffff::1" } as const;

/** A customer's router: NAT for IPv4, a delegated prefix for IPv6, nothing new from outside for both. */
export interface Site {
  /** Name of the site and of its attachment. */
  name: string;
  /** Namespace of its router. */
  router: string;
  /** Public address of the router. */
  wan: { ipv4: string; ipv6: string };
  /** IPv6 prefix that the Internet routes to the router. */
  delegated: string;
  lan: { ipv4Prefix: string; ipv4Gateway: string; ipv6Prefix: string; ipv6Gateway: string };
}

/** The operator's home. */
export const HOME: Site = {
  name: "home",
  router: "home-router",
  wan: { ipv4: "198.51.100.130", ipv6: "2001:db8:a::1" },
  delegated: "2001:db8:a::/56",
  lan: {
    ipv4Prefix: "10.20.0.0/24",
    ipv4Gateway: "10.20.0.1",
    ipv6Prefix: "2001:db8:a:1::/64",
    ipv6Gateway: "2001:db8:a:1::1",
  },
};

/** A café where a friend sits. */
export const CAFE: Site = {
  name: "cafe",
  router: "cafe-router",
  wan: { ipv4: "198.51.100.140", ipv6: "2001:db8:c::1" },
  delegated: "2001:db8:c::/56",
  lan: {
    ipv4Prefix: "10.99.0.0/24",
    ipv4Gateway: "10.99.0.1",
    ipv6Prefix: "2001:db8:c:1::/64",
    ipv6Gateway: "2001:db8:c:1::1",
  },
};

/** The sites of the lab. */
export const SITES: readonly Site[] = [HOME, CAFE];

/** A host that exists before any stack runs. */
export interface FixedHost {
  name: string;
  /** Which image it runs. */
  image: "server" | "device";
  /** The site on whose LAN it is; absent: directly on the Internet. */
  site?: string;
  ipv4: string;
  ipv6: string;
  /** Whether the stack manages it over SSH. */
  managed: boolean;
}

/** The hosts of the lab that no cloud makes. */
export const FIXED_HOSTS: readonly FixedHost[] = [
  { name: "home", image: "server", site: "home", ipv4: "10.20.0.10", ipv6: "2001:db8:a:1::10", managed: true },
  { name: "tv", image: "device", site: "home", ipv4: "10.20.0.20", ipv6: "2001:db8:a:1::20", managed: false },
  { name: "laptop", image: "device", site: "cafe", ipv4: "10.99.0.20", ipv6: "2001:db8:c:1::20", managed: false },
  { name: "visitor", image: "device", ipv4: "198.51.100.150", ipv6: "2001:db8:d::150", managed: false },
];

/** The operator: a namespace on home's LAN that shares the machine's file system. */
export const OPERATOR = { name: "operator", site: "home", ipv4: "10.20.0.5", ipv6: "2001:db8:a:1::5" } as const;

/** The zone that the Cloudflare service holds from the beginning. */
export const ZONE = "intranet.example";
/** Port of the application `nextcloud` on `home`; it listens on 127.0.0.1 only. */
export const NEXTCLOUD_PORT = 8080;
/** Port of the raw TCP service `peer` on `home`: answers with one line, the peer's address. */
export const PEER_PORT = 7777;

/** The labels of the lab's SSH keys; see `deriveSshKey` in keys.ts. */
export const KEY_LABELS = { operator: "operator", homeHostKey: "home host key" } as const;
