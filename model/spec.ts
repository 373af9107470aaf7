/** What a person writes to describe an intranet. Plain data: nothing here knows Pulumi. */

/** An intranet: one domain, one address space, a sinkhole on the Internet, sites, devices and services. */
export interface IntranetSpec {
  /**
   * The domain of all services, lower case, without a trailing dot: `nextcloud` is reached as `nextcloud.<domain>`. Outside, every name
   * in it leads to the sinkhole. It may be a subdomain of the Cloudflare zone.
   */
  domain: string;
  /** The supernets that hold every site, identity and device. Firewalls, routes and devices name only these, so a new site changes none of them. */
  space: SpaceSpec;
  /** Where identities and devices get their addresses. Absent: carved from the end of `space.v4`. */
  pools?: PoolSpec;
  /** The VPS at Hetzner that everything public leads to. Its host name is `vps`. */
  sinkhole: SinkholeSpec;
  /** Places with a server of their own, by name (a DNS label; `vps` and `devices` are taken). */
  sites: Record<string, SiteSpec>;
  /** Phones and laptops that come in from anywhere, by name. Absent: none. */
  devices?: Record<string, DeviceSpec>;
  /** What runs where, by name: the first label of its domain name. Absent: none. */
  services?: Record<string, ServiceSpec>;
}

/** The address space in both families. */
export interface SpaceSpec {
  /** A private IPv4 prefix (RFC 1918 or RFC 6598) of length 8 to 24. */
  v4: string;
  /** An IPv6 prefix of length 32 to 60. Absent: a unique local /48 (RFC 4193) from the hash of the intranet's name and domain. */
  v6?: string;
}

/** The IPv4 pools; both lie in the space, and apart from each other and from every site. */
export interface PoolSpec {
  /** One address for each managed host. Absent: the last /20 of a /16 or larger space, a sixteenth of a smaller one, at least a /26. */
  identities?: string;
  /** One address for each device. Absent: the prefix of the same size before the identities. */
  devices?: string;
}

/** The VPS: a server at Hetzner that shows ACCESS DENIED to the world and is the hub of the tunnels. */
export interface SinkholeSpec {
  /** Hetzner's location, for example `fsn1`. Changing it makes a new server with new addresses. */
  location: string;
  /** Hetzner's server type, for example `cx23`. Changing it switches the server off for a minute. */
  serverType: string;
  /** The image by name, for example `debian-13`. Changing it makes a new server (addresses stay). */
  image: string;
  /** Who may log in by SSH from outside. */
  management: ManagementSpec;
  /** Its number among the hosts (last part of its identity). Default 1. */
  id?: number;
  /** The MTU of its way to the Internet, in bytes. Default 1500. */
  underlayMtu?: number;
}

/** Who may open SSH connections to the sinkhole from the Internet; over the tunnels it is open to the space. */
export interface ManagementSpec {
  /** Prefixes of both families, at least one: `198.51.100.7/32`. `0.0.0.0/0` is allowed, with a warning. */
  from: string[];
}

/** A place: a LAN with one managed host. */
export interface SiteSpec {
  /** The host that holds the tunnel and runs the services. It exists already, with Debian and SSH. */
  host: HostSpec;
  /** The LAN's prefixes, inside the space. The host's address lies in one of them. */
  lan: string[];
  /**
   * How the LAN learns the way into the intranet. `gateway`: the host is the LAN's router. `static`: the LAN's router has a static
   * route to the host, printed among the outputs. `host-only`: only the host itself takes part; the rest of the LAN is not reachable.
   */
  router: "gateway" | "static" | "host-only";
  /** The MTU of the site's way to the Internet, in bytes, 1360 to 9000. Default 1492 (PPPoE, RFC 2516). The tunnel's is 80 less. */
  underlayMtu?: number;
  /** Its number: last part of the host's identity, the tunnel's port and link addresses. Absent: from its name. */
  id?: number;
}

/** A host that exists and is managed over SSH. */
export interface HostSpec {
  /** Its address, as the operator reaches it; inside one of its site's LAN prefixes. */
  address: string;
  /** The port of its SSH server. Default 22. */
  port?: number;
  /** The account to log in as; root, or one with passwordless sudo. Default `root`. */
  user?: string;
  /** Its SSH host keys, `ssh-ed25519 AAAA…`, at least one. Pinned: a host with another key is not talked to. */
  hostKeys: string[];
}

/** A device that comes in by WireGuard. */
export interface DeviceSpec {
  /** Its number: last part of its addresses. Absent: from its name. */
  id?: number;
  /** Raise it to give the device a new key; its old configuration stops working at once. Default 1. */
  keyVersion?: number;
}

/** An application that a site's host already runs on its loopback, and that the intranet offers by name. */
export interface ServiceSpec {
  /** The site whose host runs it: its name, or the {@link HostSpec} itself. */
  at: string | HostSpec;
  /** The TCP port on which the application listens on that host's 127.0.0.1. */
  port: number;
  /** Who may reach it. Default `intranet`: sites and devices only. `internet` is not offered yet and is refused. */
  audience?: "intranet" | "internet";
}
