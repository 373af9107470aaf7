/** What a person writes to describe an intranet. Plain data: nothing here knows Pulumi. */

import type { StepCaSource } from "./step-ca-source";

/** An intranet: one domain, one address space, a sinkhole on the Internet, sites, devices and services. */
export interface IntranetSpec {
  /**
   * The domain of all services, lower case, without a trailing dot: `nextcloud` is reached as `nextcloud.<domain>`.
   * Outside, every name in it leads to the sinkhole. It may be a subdomain of the Cloudflare zone.
   */
  domain: string;
  /**
   * The supernets that hold every site, identity and device. Firewalls, routes and devices name only these, so a new
   * site changes none of them.
   */
  space: SpaceSpec;
  /** Where identities and devices get their addresses. Absent: carved from the end of `space.v4`. */
  pools?: PoolSpec;
  /** The VPS at Hetzner that everything public leads to. Its host name is `vps`. */
  sinkhole: SinkholeSpec;
  /** Places with a server of their own, by name (a DNS label; `vps` and `devices` are taken). */
  sites: Record<string, SiteSpec>;
  /** Phones and laptops that come in from anywhere, by name. Absent: none. */
  devices?: Record<string, DeviceSpec>;
  /**
   * What runs where, by name: the first label of its domain name. Absent: none. Services need `dns`, and
   * `certificateAuthority` unless they are raw TCP.
   */
  services?: Record<string, ServiceSpec>;
  /**
   * Tunnels between sites, and what differs for a site's tunnel to the sinkhole. Absent: one tunnel from each site to
   * the sinkhole.
   */
  links?: LinkSpec[];
  /** Which hosts answer for names inside. Absent: no internal names. */
  dns?: DnsSpec;
  /** Which host issues the services' certificates. Absent: no internal CA. */
  certificateAuthority?: CertificateAuthoritySpec;
  /** Who certifies services with `audience: "internet"`. Absent: Let's Encrypt. */
  publicCertificates?: PublicCertificatesSpec;
}

/** The address space in both families. */
export interface SpaceSpec {
  /** A private IPv4 prefix (RFC 1918 or RFC 6598) of length 8 to 24. */
  v4: string;
  /**
   * An IPv6 prefix of length 32 to 60. Absent: a unique local /48 (RFC 4193) from the hash of the intranet's name and
   * domain.
   */
  v6?: string;
}

/** The IPv4 pools; both lie in the space, and apart from each other and from every site. */
export interface PoolSpec {
  /**
   * One address for each managed host. Absent: the last /20 of a /16 or larger space, a sixteenth of a smaller one, at
   * least a /26.
   */
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
  /**
   * Who may log in by SSH from outside. Hetzner's firewall holds it, so that a new address of yours needs no login to
   * be let in.
   */
  management: ManagementSpec;
  /** Raise it to give the server another SSH host key, without losing the way; see docs/operations.md. Default 1. */
  hostKeyVersion?: number;
  /** Its number among the hosts (last part of its identity). Default 1. */
  id?: number;
  /** The MTU of its way to the Internet, in bytes. Default 1500. */
  underlayMtu?: number;
  /**
   * How the cloud delivers the /64. `routed` (default, Hetzner): every packet for it comes to the server. `on-link`:
   * the cloud asks for each address by neighbour discovery, and the server answers for those of public services
   * (ip-sysctl, proxy_ndp).
   */
  delivery?: "routed" | "on-link";
  /**
   * Whether devices reach each other's addresses. Default false: a lost phone, or a friend's, reaches what the intranet
   * offers and no other device, nor they it.
   */
  devicesReachEachOther?: boolean;
  /**
   * What the names at Hetzner begin with: `home` makes `home-vps`, `home-vps-firewall` and so on, so that two intranets
   * fit in one project, where names are unique. A DNS label of at most 40 characters. Changing it renames there, and
   * nothing else. Default: none.
   */
  namePrefix?: string;
}

/**
 * Who may open SSH connections to the sinkhole: from the Internet, and over the tunnels from those prefixes that lie in
 * the space.
 */
export interface ManagementSpec {
  /** Prefixes of both families, at least one: `198.51.100.7/32`. `0.0.0.0/0` is allowed, with a warning. */
  from: string[];
}

/** A place: a LAN with one managed host. */
export interface SiteSpec {
  /** The host that holds the tunnel and runs the services. It exists already, with Debian and SSH. */
  host: HostSpec;
  /**
   * The LAN's prefixes, inside the space; with `host-only` also beside it, and then two sites may have the same, such
   * as 192.168.178.0/24. The host's address lies in one of them.
   */
  lan: string[];
  /**
   * How the LAN learns the way into the intranet. `gateway`: the host is the LAN's router. `static`: the LAN's router
   * has a static route to the host, printed among the outputs. `host-only`: only the host itself takes part; the rest
   * of the LAN is not reachable.
   */
  router: "gateway" | "static" | "host-only";
  /**
   * The MTU of the site's way to the Internet, in bytes, 1360 to 9000. Default 1492 (PPPoE, RFC 2516). The tunnel's is
   * 80 less.
   */
  underlayMtu?: number;
  /** Its number: last part of the host's identity, the tunnel's port and link addresses. Absent: from its name. */
  id?: number;
}

/** A host that exists and is managed over SSH. */
export interface HostSpec {
  /**
   * Its address on the LAN, inside one of its site's prefixes; the operator reaches it there, unless it is enrolled.
   */
  address: string;
  /** The port of its SSH server. Default 22. */
  port?: number;
  /** The account to log in as; root, or one with passwordless sudo. Default `root`. */
  user?: string;
  /**
   * Its SSH host keys, `ssh-ed25519 AAAA…`, at least one. Pinned: a host with another key is not talked to. Absent for
   * a host that is enrolled.
   */
  hostKeys?: string[];
  /**
   * For a host that the operator does not reach, behind somebody's NAT: it is joined by a script that is run on it once
   * (`bin/enrol`), and from then on managed through its tunnel. Its SSH host key is made by the library. Default false:
   * `hostKeys` are needed.
   */
  enrol?: boolean;
  /**
   * Raise it to give a host that is enrolled another SSH host key, without losing the way; see docs/operations.md.
   * Default 1.
   */
  hostKeyVersion?: number;
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
  /**
   * The TCP port on which the application listens: on the host's loopback, 127.0.0.1 or [::1], or for `tcp` on its
   * identity, and on its public address if it has one.
   */
  port: number;
  /**
   * `https` (default): a proxy on the host offers it by name with a certificate of the internal CA. `tcp`: only the
   * name; clients connect to the application itself, which sees their addresses.
   */
  protocol?: "https" | "tcp";
  /**
   * Who may reach it. Default `intranet`: sites and devices only; outside, its name ends in ACCESS DENIED. `internet`:
   * everybody. It gets an IPv6 address of its own out of the sinkhole's /64, public names and a certificate of a public
   * authority; who has IPv4 alone is let in by the name in the TLS handshake, so a `tcp` service must speak TLS for
   * those.
   */
  audience?: "intranet" | "internet";
  /**
   * Its number within its site's /80, 1 to 65535: the last part of its public address. Only for the Internet. Absent:
   * from its name.
   */
  id?: number;
  /**
   * The account on its host that it runs as: what that says to the Internet over IPv6 carries the service's address, as
   * mail servers need. Only for the Internet. Absent: only what the application itself binds to the address does.
   */
  user?: string;
}

/** A tunnel between two sites, or what differs for the one that a site has to the sinkhole anyway. */
export interface LinkSpec {
  /** The site that dials. */
  from: string;
  /**
   * The site that is dialled, whose router forwards a UDP port to its host; or `vps`: that link's cost, area and keys.
   */
  to: string;
  /**
   * Where `to` is reached from the Internet: its router's public address, and the UDP port that the router forwards to
   * the same port of the host. Not for `vps`. With `sparePort`, another one that is forwarded in the same way, keys can
   * change without the tunnel being down.
   */
  endpoint?: { address: string; port: number; sparePort?: number };
  /** OSPF's cost of the tunnel, the same both ways, 1 to 65533; the cheapest way is taken. Default 10. */
  cost?: number;
  /**
   * Raise it by one to give both ends new WireGuard keys and another OSPF secret. A second tunnel takes over from the
   * first before that one goes, so nothing is lost: the first has the keys of odd versions, the second those of even
   * ones. Where `endpoint` has no `sparePort` the keys change in place, and the tunnel is down for some seconds; see
   * `drained`. Default 1.
   */
  keyVersion?: number;
  /**
   * Keeps traffic out of the tunnel as long as there is another way, however long: before its keys change in place, or
   * before work on the line. Default false.
   */
  drained?: boolean;
  /** OSPF's area, 0 to 4294967295. Default 0, the backbone, which every area must touch (RFC 2328, section 3). */
  area?: number;
  /** Its number among the tunnels between sites, 4095 to 8190. Absent: from its name. */
  id?: number;
}

/** The name servers of the inside. */
export interface DnsSpec {
  /**
   * The sites whose hosts answer; the first holds the zones, a second is kept in step and answers while the first is
   * off.
   */
  at: string[];
  /** Resolvers that names of the outside are asked from, as addresses. Absent: own recursion from the root. */
  forwarders?: string[];
  /** The root's servers, name to addresses. Absent: the real ones, as BIND knows them. */
  rootServers?: Record<string, string[]>;
  /** DNSSEC's trust anchors, as DS records: `. 20326 8 2 E06D…`. Absent: the real root's, as BIND knows it. */
  trustAnchors?: string[];
  /** A public name that the doctor tries. Default `debian.org`. */
  publicName?: string;
  /** Raise it to give the name servers another key for the transfer of zones between them. Default 1. */
  keyVersion?: number;
  /**
   * Records beside the services' names, for what is not managed here: `{ name: "nas", type: "A", data: "10.20.0.7" }`.
   * Absent: none.
   */
  extraRecords?: RecordSpec[];
}

/** A DNS record inside. */
export interface RecordSpec {
  /** Relative to the domain; `@` is the domain itself. */
  name: string;
  /** A, AAAA, CNAME, MX, TXT, SRV, … */
  type: string;
  /** Seconds, 1 to 604800. Default 300. */
  ttl?: number;
  /** As in a zone file; a name without a final dot is relative to the domain. */
  data: string;
}

/** The internal certificate authority. */
export interface CertificateAuthoritySpec {
  /** The site whose host issues. */
  at: string;
  /** Where `step-ca` comes from, which Debian has not. Default `smallstep`: Smallstep's repository. */
  source?: StepCaSource;
  /** What devices list the root under, at most 40 characters. Default: the domain. */
  organisation?: string;
  /** How long a service's certificate is valid: `168h`; renewed at two thirds of it. Default `168h`, at least `3m`. */
  leafLifetime?: string;
  /** How often proxies look whether one is due: `10m`. Default `10m`. */
  renewInterval?: string;
  /**
   * Raise it for another intermediate, for example when the host was broken into; devices notice nothing. Default 1.
   */
  intermediateVersion?: number;
}

/**
 * A public certificate authority that speaks ACME (RFC 8555). It reaches the names from the Internet, by http-01 or
 * tls-alpn-01.
 */
export interface PublicCertificatesSpec {
  /** URL of its directory. Default: Let's Encrypt's. */
  directory?: string;
  /** The domain by which CAA records name it (RFC 8659). Default `letsencrypt.org`; needed with another `directory`. */
  issuer?: string;
  /** The root that the directory's own TLS certificate leads to, PEM. Absent: those that Debian trusts. */
  rootCertificate?: string;
  /** Where the authority may write to about certificates. Absent: nowhere. */
  email?: string;
}
