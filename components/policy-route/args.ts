import type * as pulumi from "@pulumi/pulumi";
import type { ManagedHost } from "../common/managed-host";

/** Arguments of {@link PolicyRoute}. */
export interface PolicyRouteArgs extends ManagedHost {
  /**
   * The sinkhole's network of 64 bits, in CIDR notation. What leaves with a source of it goes back through the
   * sinkhole; what leads to it, beside the sinkhole itself, takes the tunnels or no way at all.
   */
  network: pulumi.Input<string>;
  /** Accounts that speak to the Internet over IPv6 by a service's address. Default: none. */
  pinned?: PinnedAccount[];
}

/**
 * An account whose IPv6 packets take the table of a service. What it sends to the intranet or its own LAN keeps the
 * host's address, and so does IPv4.
 */
export interface PinnedAccount {
  /**
   * The account's name on the host, which must be there already, and which no other service has; not `root`, since the
   * host's own packets are root's.
   */
  user: string;
  /** The routing table, 65537 to 131071: 65536 and the service's number. It is filled by {@link OspfArgs.public}. */
  table: number;
}
