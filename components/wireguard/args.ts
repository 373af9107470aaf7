import type * as pulumi from "@pulumi/pulumi";
import type { WireGuardPair } from "../../host";
import type { ManagedHost } from "../common/managed-host";

/** One end of a {@link WireGuardLink}. */
export interface WireGuardEnd extends ManagedHost {
  /** The host's name, for comments and messages; the two ends must differ. */
  host: string;
  /** The interface: starts with `wg-`, at most 15 characters. */
  interface: string;
  /** Its IPv4 link-local address; a point-to-point /32. */
  v4: string;
  /** Its IPv6 link-local address, of fe80::/112, used with /64: the interface's only one. */
  v6: string;
  /** The UDP port at which this end listens; absent for an end that only dials. */
  listenPort?: number;
  /** Where this end is reached from outside; absent for one behind NAT. At least one end must have it. */
  endpoint?: { address: pulumi.Input<string>; port: number };
  /**
   * The prefixes that are reached through this tunnel as long as nobody knows a better way: they get a high metric, so
   * that a routing daemon's routes win. For a link with OSPF: the other host's identity. For one without: what lies
   * behind the other end.
   */
  routes: string[];
  /** This host's identity: the source of what it sends into the tunnel. */
  source: { v4: string; v6: string };
  /**
   * The interface of another tunnel between the same hosts, which takes over from this one when keys change. While it
   * is there, this one is deleted only when BIRD at both ends uses the other. Absent: there is no other.
   */
  other?: string;
}

/** Arguments of {@link WireGuardLink}. */
export interface WireGuardLinkArgs {
  /** The end that is set up first and taken down last: the hub. */
  a: WireGuardEnd;
  /** The other end: the site. */
  b: WireGuardEnd;
  /** The MTU of both interfaces in bytes, 1280 to 8920. */
  mtu: number;
  /** Both ends' keys, for one who needs them before the link is made. Absent: the link makes them. */
  keys?: { readonly a: WireGuardPair; readonly b: WireGuardPair };
  /**
   * Raise it to give both ends new keys, in place: the tunnel is down for some seconds. Without effect on `keys` that
   * are given. Default 1.
   */
  keyVersion?: number;
  /**
   * The metric of the ends' `routes`, 4000 or 4001: a second tunnel between the same hosts needs another. Default 4000.
   */
  metric?: 4000 | 4001;
}

/** A device, as the hub knows it. */
export interface DevicePeer {
  /** Its name. */
  name: string;
  /** Its WireGuard public key. */
  publicKey: pulumi.Input<string>;
  /** Its addresses, without length: the only sources that are taken from it. */
  v4: string;
  v6: string;
}

/** Arguments of {@link DeviceHub}. */
export interface DeviceHubArgs extends ManagedHost {
  /** The interface that all devices share: starts with `wg-`. */
  interface: string;
  /** Its UDP port. */
  listenPort: number;
  /** The hub's own addresses in the pool, without length. */
  address: { v4: string; v6: string };
  /** The prefixes that the devices' addresses come from. */
  pool: { v4: string; v6: string };
  /** The hub's key. */
  key: WireGuardPair;
  /** Who may come in. Adding or removing one interrupts no other. */
  devices: DevicePeer[];
  /** The MTU in bytes. Default 1280, which passes everywhere. */
  mtu?: number;
}
