import type * as pulumi from "@pulumi/pulumi";

/** Arguments of {@link RoadWarrior}. */
export interface RoadWarriorArgs {
  /** The device's name. */
  device: string;
  /** Its IPv4 address in the tunnel, without length. */
  v4: string;
  /** Its IPv6 address in the tunnel, without length. */
  v6: string;
  /** Where it dials in: the hub's public key, address and UDP port. */
  hub: { publicKey: pulumi.Input<string>; address: pulumi.Input<string>; port: number };
  /** What goes through the tunnel: the space. The rest of the device's traffic stays as it is. */
  allowedPrefixes: string[];
  /** Resolvers to use while the tunnel is up. Default: none, the device keeps its own. */
  dns?: string[];
  /** The MTU in bytes. Default 1280, which passes every network that carries IPv6. */
  mtu?: number;
  /** Raise it to give the device a new key; its old configuration stops working at once. Default 1. */
  keyVersion?: number;
}
