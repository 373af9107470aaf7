import type * as pulumi from "@pulumi/pulumi";
import type { ManagedHost } from "../common/managed-host";

/** Arguments of {@link SitePrefix}. */
export interface SitePrefixArgs extends ManagedHost {
  /**
   * The supernets of the intranet. Who comes in by a tunnel from outside of them is a visitor, who reaches the
   * services' ports and nothing else.
   */
  space: { v4: string; v6: string };
  /** The services that the host has an address for; at least one. */
  services: SiteService[];
}

/** A service with an address of its own. */
export interface SiteService {
  /** Its name, unique on the host: a DNS label. */
  name: string;
  /**
   * Its IPv6 address, without length. The host has it on `lo`, never chooses it by itself as a source, and announces it
   * nowhere: see {@link OspfArgs.public}.
   */
  address: pulumi.Input<string>;
  /** The TCP ports that visitors reach at that address. */
  ports: number[];
}
