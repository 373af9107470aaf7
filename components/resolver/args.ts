import type { ManagedHost } from "../common/managed-host";

/** Arguments of {@link Resolver}. */
export interface ResolverArgs extends ManagedHost {
  /**
   * The addresses to ask, at least one, in this order: the host asks the first until it does not answer, then the next.
   * Nobody else is asked, so no name of the inside leaks and none comes from outside.
   */
  servers: string[];
  /**
   * The domain of the inside; a name without a dot is looked for there. Its SOA must be answered before the change is
   * kept.
   */
  domain: string;
  /** The text of the script `intranet-doctor`, as InternalDns gives it. */
  doctor: string;
  /**
   * What names are looked up by on this host. `systemd-resolved`, the default, works with whatever sets the network up;
   * it has to be installed. `resolv.conf` is for a host without it where nothing else writes that file. Each is
   * refused, before anything is changed, on a host where it would not hold.
   */
  through?: "systemd-resolved" | "resolv.conf";
}
