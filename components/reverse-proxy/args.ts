import type { ManagedHost } from "../common/managed-host";

/** One application behind a {@link ReverseProxy}. */
export interface ReverseProxySite {
  /** The names under which it is offered, at least one, without a port. */
  hostname: string[];
  /** Where it listens, on this host's loopback: `127.0.0.1:8080` or `[::1]:8080`. */
  upstream: string;
}

/** Arguments of {@link ReverseProxy}. */
export interface ReverseProxyArgs extends ManagedHost {
  /** The applications. None: every name gets 404. */
  sites: ReverseProxySite[];
  /**
   * The addresses to listen on, port 80, at least one. Never 0.0.0.0 or ::, which would offer internal services on whatever address the
   * host gets next; refused.
   */
  listen: string[];
}
