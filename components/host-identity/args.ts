import type * as pulumi from "@pulumi/pulumi";
import type { ManagedHost } from "../common/managed-host";

/** Arguments of {@link HostIdentity}. */
export interface HostIdentityArgs extends ManagedHost {
  /** The host's IPv4 address in the intranet, without length. */
  v4: string;
  /** The host's IPv6 address in the intranet, without length. */
  v6: string;
  /** The supernets of the intranet. Whatever of them no tunnel carries is unreachable, and never leaves by the default route. */
  space: { v4: string; v6: string };
  /** Whether the host forwards between its tunnels and its LAN. */
  forwarding: boolean;
  /**
   * `tunnels` (default): a table of its own lets through between addresses of the space only, or nothing where `forwarding` is
   * off. `own`: the caller brings the host's firewall.
   */
  firewall?: "tunnels" | "own";
  /** On-link prefixes of which the host uses only its own addresses; the rest becomes unreachable. Default: none. */
  unusedPrefixes?: pulumi.Input<string>[];
  /** The prefix of its roles' names in the host's ledger. Default `intranet`. */
  role?: string;
}
