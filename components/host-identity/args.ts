import type * as pulumi from "@pulumi/pulumi";
import type { Forwarding } from "../../model";
import type { TunnelAnswers } from "./render";
import type { ManagedHost } from "../common/managed-host";

/** Arguments of {@link HostIdentity}. */
export interface HostIdentityArgs extends ManagedHost {
  /** The host's IPv4 address in the intranet, without length. */
  v4: string;
  /** The host's IPv6 address in the intranet, without length. */
  v6: string;
  /**
   * The supernets of the intranet. Whatever of them no tunnel carries is unreachable, and never leaves by the default
   * route.
   */
  space: { v4: string; v6: string };
  /**
   * What the host forwards, between addresses of the space only. `none`: nothing. `transit`: from tunnel to tunnel, for
   * a host with more than one; its LAN reaches no tunnel by it. `lan`: between its LAN and its tunnels too.
   */
  forwarding: Forwarding;
  /**
   * `tunnels` (default): a table of its own lets through what `forwarding` says, and nothing else into or out of a
   * tunnel. `own`: the caller brings the host's firewall.
   */
  firewall?: "tunnels" | "own";
  /**
   * The sinkhole's network of 64 bits: what has an address of it passes from tunnel to tunnel as well, where the host
   * forwards, and no ICMPv6 error about it leaves by anything but a tunnel, which would tell a visitor the host's own
   * address. Only with `firewall: "tunnels"`. Default: none.
   */
  publicNetwork?: pulumi.Input<string>;
  /**
   * What the host itself answers over its tunnels, beside ping: TCP and UDP ports for the whole space, and the port of
   * its SSH for the prefixes it is managed from. All else is refused with an ICMP error. What comes by other interfaces
   * is left to the host's own rules. Only with `firewall: "tunnels"`. Absent: everything that listens on all addresses
   * or on the identity is reached by everybody in the space, also what the host's owner runs.
   */
  answers?: TunnelAnswers;
  /** On-link prefixes of which the host uses only its own addresses; the rest becomes unreachable. Default: none. */
  unusedPrefixes?: pulumi.Input<string>[];
  /** The prefix of its roles' names in the host's ledger. Default `intranet`. */
  role?: string;
}
