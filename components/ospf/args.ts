import type * as pulumi from "@pulumi/pulumi";
import type { ManagedHost } from "../common/managed-host";

/** Arguments of {@link Ospf}. */
export interface OspfArgs extends ManagedHost {
  /** The host's number in OSPF, written like an IPv4 address and unique in the network: its IPv4 identity. */
  routerId: string;
  /**
   * The host's own addresses, without length; announced, and the source of all that the host itself sends. They stand
   * on `lo` already.
   */
  identity: { v4: string; v6: string };
  /**
   * The supernets. Only parts of them are taken from others, whatever others announce; anything else never gets into
   * the host's routes.
   */
  space: { v4: string; v6: string };
  /**
   * What this host leads to beside its identity, of both families, inside the space: its LAN, the devices' pool. The
   * host's own way there is its own matter: nothing is routed here for it, and nobody else's announcement of it is
   * taken. Empty: only the identity.
   */
  announce: string[];
  /** The tunnels that OSPF is spoken on. Empty: nobody is spoken to. */
  interfaces: OspfInterface[];
  /**
   * Whose each prefix is, by host: what another one announces is not taken, nor what comes by a way that does not lead
   * to the owner, and what is nobody's is taken from nobody. So a host that was broken into draws no other's packets
   * here, unless it lies on a way to it; at worst that other one is cut off, for OSPF computes one way before this is
   * asked. Useful where there is more than one neighbour. Absent: any part of the space is taken from everybody.
   */
  owners?: Record<string, OspfOwner>;
  /**
   * Notices a dead tunnel after `intervalMs` × `multiplier` (BFD, RFC 5880) instead of 20 s. Default `true`: 1000 ms
   * and 5, so 5 s. A neighbour that has it off is no harm.
   */
  bfd?: boolean | BfdArgs;
  /** Services with public IPv6 addresses, whose way is through the hub. Absent: the space is all that is routed. */
  public?: PublicOspf;
}

/**
 * What OSPF carries beside the space, in IPv6 alone: services' addresses, the way to visitors, and the prefix that
 * stands for IPv4 guests.
 */
export interface PublicOspf {
  /**
   * The sinkhole's network of 64 bits, in CIDR notation. Single addresses of it are taken from others, but none of its
   * first /80: that is the sinkhole's.
   */
  network: pulumi.Input<string>;
  /**
   * `hub`: it leads to the Internet and to the guests, for the others. `site`: it takes both ways from others; the
   * Internet's is used by what {@link PolicyRoute} sends there, while the host's own default route stays what it is.
   */
  side: "hub" | "site";
  /** Which of the `owners` is the hub: nobody else leads to the Internet. Needed where there are any, at a site. */
  hub?: string;
  /**
   * The addresses of services on this host, without length: announced one by one, and taken from nobody else. By the
   * service's name, so that another service changes no line but its own. Default: none.
   */
  addresses?: Record<string, pulumi.Input<string>>;
  /**
   * Routing tables in which the way to the Internet has a service's address as its source. For a site alone. Default:
   * none.
   */
  pinned?: PinnedTable[];
}

/** Another host of the network, as this one may know it. */
export interface OspfOwner {
  /** Its router id. */
  routerId: string;
  /** What is its own, of both families, inside the space; parts of it too. */
  prefixes: string[];
  /** The interfaces of {@link OspfArgs.interfaces} that lead to it, spare ones too. Empty: it is never reached. */
  ways: string[];
  /**
   * Whether it is in several areas: then it speaks for the hosts of the others (RFC 2328, section 3.3). Default false.
   */
  border?: boolean;
  /** The part of the public network that holds its services' addresses. Absent: it has none. */
  services?: pulumi.Input<string>;
}

/** A routing table whose packets carry a service's address. */
export interface PinnedTable {
  /** The table, 65537 to 131071, of its own for each service: see {@link PolicyRouteArgs.pinned}. */
  table: number;
  /** The service's address, without length, one of `addresses`. */
  address: pulumi.Input<string>;
}

/** A tunnel with one neighbour at its other end. */
export interface OspfInterface {
  /**
   * The interface: starts with `wg-`. It need not be there yet. OSPFv3 uses its link-local address of fe80::/112, as
   * {@link WireGuardLink} sets it.
   */
  interface: string;
  /**
   * The area, 0 to 4294967295, the same at both ends. Default 0, the backbone; a host in several areas must also be in
   * that one. A tunnel of another area never mends a backbone that has come apart (RFC 2328, section 3): spare ways
   * belong into area 0.
   */
  area?: number;
  /** The cost of sending here, 1 to 65534; the cheapest way is taken. Default 10. */
  cost?: number;
  /**
   * Another tunnel to the same neighbour, from which this one is taking over or has done so, and the secret that is
   * used on it: spoken on as long as it is there, at a cost one higher. Absent: there is none.
   */
  spare?: { interface: string; secret: pulumi.Input<string> };
  /** The neighbour's name, for comments and messages. */
  neighbour: string;
  /**
   * What both ends authenticate every packet with (HMAC-SHA-256, RFC 5709 and RFC 7166): printable ASCII without
   * quotation marks, 16 to 128 characters, such as a {@link SharedSecret}'s value. A neighbour with another one is
   * never heard. Both ends are to change it in the same `up`, and lose each other for a moment then; with another
   * tunnel (`spare`) they do not.
   */
  secret: pulumi.Input<string>;
  /**
   * Whether the `up` that adds this interface waits for the neighbour and undoes the change without it. Default `true`;
   * `false` for one that may not be there yet. Later changes wait, whatever this says, for every neighbour that was
   * there just before, and for no other.
   */
  required?: boolean;
}

/** When a tunnel is taken for dead. */
export interface BfdArgs {
  /** Milliseconds between two packets, 50 to 60000. Default 1000. */
  intervalMs?: number;
  /** How many may be missing, 2 to 50. Default 5. */
  multiplier?: number;
}
