import type * as pulumi from "@pulumi/pulumi";

/** The reverse name of one address. */
export interface ReverseName {
  /** What the record's resource is called by, unique among them: small letters, digits and hyphens. */
  name: string;
  /**
   * The full domain name that the address is given; it must lead to the address (RFC 1912, section 2.1), else mail
   * servers refuse it.
   */
  hostname: string;
  /** An IPv6 address of the primary IP's network. */
  address: pulumi.Input<string>;
}

/** Arguments of {@link ReverseDns}. */
export interface ReverseDnsArgs {
  /** The number of the primary IP at Hetzner that the addresses belong to. */
  primaryIpId: pulumi.Input<number>;
  /** The names; none is none. */
  names: ReverseName[];
}
