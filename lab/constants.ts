/**
 * The fixed facts of the lab: addresses, names, tokens. Everything is from documentation prefixes (RFC 5737, RFC 3849)
 * and RFC 1918 space, and exists only inside the lab's own namespaces. The stack's `lab` configuration agrees with
 * them.
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
  acme: { ipv4: "192.0.2.90", ipv6: "2001:db8:0:1::90" },
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

/**
 * The repository of `step-ca`, in the layout of Smallstep's and signed by a key of the lab's own, which everybody may
 * have: `lab/files/step-ca-repository.asc`. Its name is another one than that of Debian's packages, since a host pins
 * all of a server.
 */
export const STEP_CA_SOURCE = {
  repository: "http://packages.example/stable/debian",
  key: "http://packages.example/keys/apt/repo-signing-key.gpg",
  fingerprint: "543C873A32E1EAD9CD9D80C01EE80F5A44050FE9",
} as const;

/** The public certificate authority of the lab, which plays Let's Encrypt (RFC 8555). */
export const ACME = {
  /** Its name in public DNS. */
  name: "acme.example",
  /** Where clients begin; served by https with a certificate below `lab/files/acme/root.pem`. */
  directory: "https://acme.example:14000/dir",
  /** Where the root that signs its certificates can be fetched; another one after each start. */
  issuingRoot: "https://acme.example:15000/roots/0",
} as const;

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
  /** UDP ports of the public IPv4 address that the router hands to a host of the LAN; absent: none. */
  forwards?: readonly { port: number; to: string }[];
  /**
   * MTU of the path to the Internet, in both directions and for both families; absent: 1500. On a narrower one nobody
   * hears of a packet that was too big for it: no ICMP error about that is sent or let through. TCP does not notice,
   * since the router clamps its segments, as such routers do.
   */
  narrow?: number;
}

/**
 * A site in the lab's style: LAN `lan`.0/24 and `delegated`:1::/64 with the router as .1, the router's own
 * `delegated`::1.
 */
function site(name: string, wan: string, delegated: string, lan: string, extra: Partial<Site> = {}): Site {
  return {
    name,
    router: `${name}-router`,
    wan: { ipv4: wan, ipv6: `${delegated}::1` },
    delegated: `${delegated}::/56`,
    lan: {
      ipv4Prefix: `${lan}.0/24`,
      ipv4Gateway: `${lan}.1`,
      ipv6Prefix: `${delegated}:1::/64`,
      ipv6Gateway: `${delegated}:1::1`,
    },
    ...extra,
  };
}

/** The operator's home. */
export const HOME = site("home", "198.51.100.130", "2001:db8:a", "10.20.0");
/** A café where a friend sits. */
export const CAFE = site("cafe", "198.51.100.140", "2001:db8:c", "10.99.0");
/** A cabin: its host is the gateway of a device on the same LAN. */
export const CABIN = site("cabin", "198.51.100.170", "2001:db8:b", "10.30.0");
/** An office behind a narrow line; two UDP ports are forwarded to its host. */
export const OFFICE = site("office", "198.51.100.160", "2001:db8:f", "10.40.0", {
  forwards: [
    { port: 61999, to: "10.40.0.10" },
    { port: 61998, to: "10.40.0.10" },
  ],
  narrow: 1460,
});
/** An attic: a host that joins later. */
export const ATTIC = site("attic", "198.51.100.180", "2001:db8:e", "10.50.0");
/** The mobile network that a phone is on. */
export const MOBILE = site("mobile", "198.51.100.190", "2001:db8:9", "10.98.0");

/** The sites of the lab. */
export const SITES: readonly Site[] = [HOME, CAFE, CABIN, OFFICE, ATTIC, MOBILE];

/** A host that exists before any stack runs. */
export interface FixedHost {
  name: string;
  /** Which image it runs. */
  image: "server" | "device";
  /** The site on whose LAN it is; absent: directly on the Internet. */
  site?: string;
  ipv4: string;
  /** Absent: it has IPv4 alone. */
  ipv6?: string;
  /** Default gateways; absent: the site's router. */
  gateway?: { ipv4: string; ipv6: string };
  /**
   * How a stack gets in by SSH: `key`: the operator's key is there, and the operator on the same LAN; `enrolment`: sshd
   * as Debian ships it, with a host key of its own, without the operator's key, and nobody but its own LAN gets to it;
   * absent: it is not managed.
   */
  managed?: "key" | "enrolment";
}

/** A host on a site's LAN, with the same last number in both families; a device when nothing else is said. */
function lan(name: string, number: number, at: Site, extra: Partial<FixedHost> = {}): FixedHost {
  const [ipv4, ipv6] = [at.lan.ipv4Prefix.replace(/0\/24$/, ""), at.lan.ipv6Prefix.replace(/\/64$/, "")];
  return { name, image: "device", site: at.name, ipv4: `${ipv4}${number}`, ipv6: `${ipv6}${number}`, ...extra };
}

/** The hosts of the lab that no cloud makes. */
export const FIXED_HOSTS: readonly FixedHost[] = [
  lan("home", 10, HOME, { image: "server", managed: "key" }),
  lan("tv", 20, HOME),
  lan("laptop", 20, CAFE),
  { name: "visitor", image: "device", ipv4: "198.51.100.150", ipv6: "2001:db8:d::150" },
  { name: "visitor4", image: "device", ipv4: "198.51.100.151" },
  lan("cabin", 10, CABIN, { image: "server", managed: "enrolment" }),
  lan("camera", 20, CABIN, { gateway: { ipv4: "10.30.0.10", ipv6: "2001:db8:b:1::10" } }),
  lan("office", 10, OFFICE, { image: "server", managed: "enrolment" }),
  lan("printer", 20, OFFICE),
  lan("attic", 10, ATTIC, { image: "server", managed: "enrolment" }),
  lan("phone", 20, MOBILE),
];

/** The operator: a namespace on home's LAN that shares the machine's file system. */
export const OPERATOR = { name: "operator", site: "home", ipv4: "10.20.0.5", ipv6: "2001:db8:a:1::5" } as const;

/** The zone that the Cloudflare service holds from the beginning. */
export const ZONE = "intranet.example";
/** Port of the application `nextcloud` on `home`; it listens on 127.0.0.1 only. */
export const NEXTCLOUD_PORT = 8080;
/** Port of the application `blog` on `home`; 127.0.0.1 only. */
export const BLOG_PORT = 8081;
/** Port of the application `forum` on `office`; 127.0.0.1 only. */
export const FORUM_PORT = 8082;
/** Port of the raw TCP service `peer` on `home`: answers with one line, the peer's address. */
export const PEER_PORT = 7777;
/** Port of the raw TCP service `mail` on `office`: does the same. */
export const MAIL_PORT = 2525;

/** The labels of the lab's SSH keys; see `deriveSshKey` in keys.ts. */
export const KEY_LABELS = {
  operator: "operator",
  homeHostKey: "home host key",
  cabinHostKey: "cabin host key",
  officeHostKey: "office host key",
  atticHostKey: "attic host key",
} as const;
