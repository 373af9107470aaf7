import type * as pulumi from "@pulumi/pulumi";
import type { ManagedHost } from "../common/managed-host";

/** One application behind a {@link ReverseProxy}. */
export interface ReverseProxySite {
  /** The names under which it is offered, at least one, without a port. */
  hostname: string[];
  /**
   * Where it listens, on this host's loopback: `127.0.0.1:8080`, `[::1]:8080`, or `localhost:8080` for whichever of the
   * two answers.
   */
  upstream: string;
  /**
   * Who certifies its names: `internal`, as `certificates` says, or `public`, as `publicCertificates` says. A public
   * authority is not waited for, and one that is down fails no update: the proxy asks again by itself. Default
   * `internal`.
   */
  authority?: "internal" | "public";
  /**
   * IPv6 addresses beside the proxy's `listen`, ports 80 and 443, at which this application alone is answered, and only
   * by its own names: any other gets a certificate that fits no name, and 404. They must be on the host, and
   * `authority` must be `public`. Default: none.
   */
  listen?: pulumi.Input<string>[];
}

/** Where a {@link ReverseProxy} gets certificates for its names. */
export interface ReverseProxyCertificates {
  /**
   * URL of the authority's ACME directory, https. It proves names by http-01 or tls-alpn-01, so it must reach the proxy
   * by name.
   */
  directory: string;
  /**
   * The root that the authority's certificates lead to, PEM. Another one makes the proxy ask for all its certificates
   * anew.
   */
  rootCertificate: pulumi.Input<string>;
  /**
   * How often the proxy looks whether a certificate has less than a third of its life left: a whole number with `s`,
   * `m` or `h`. It must be much shorter than that third. Default: Caddy's own, 10m.
   */
  renewInterval?: string;
}

/** Where a {@link ReverseProxy} gets certificates that everybody trusts. */
export interface PublicCertificates {
  /** URL of the authority's ACME directory, https. It proves names by http-01 or tls-alpn-01, from the Internet. */
  directory: string;
  /**
   * The root of the directory's own TLS certificate, PEM, for authorities that Debian does not know. Default: those
   * that Debian trusts.
   */
  rootCertificate?: pulumi.Input<string>;
  /** Whom the authority writes to when something is wrong with a certificate. Default: nobody. */
  email?: string;
}

/** A folder of static files behind a {@link ReverseProxy}. */
export interface ReverseProxyPage {
  /** The name under which it is offered, without a port. */
  hostname: string;
  /**
   * Absolute path on the host, readable for everybody. Certificates and Apple's profiles in it get the types that
   * devices expect.
   */
  folder: string;
}

/** Arguments of {@link ReverseProxy}. */
export interface ReverseProxyArgs extends ManagedHost {
  /** The applications. None: every name gets 404. */
  sites: ReverseProxySite[];
  /**
   * The addresses to listen on, ports 80 and 443, at least one. Never 0.0.0.0 or ::, which would offer internal
   * services on whatever address the host gets next; refused.
   */
  listen: string[];
  /**
   * Applications are offered over https with certificates from this authority, and http leads there. A name that is not
   * listed gets no certificate. A change waits until the authority answers and the names lead to the proxy. Default:
   * absent, plain http alone.
   */
  certificates?: ReverseProxyCertificates;
  /** The authority of applications that say `authority: "public"`; it must be given for them. Default: absent. */
  publicCertificates?: PublicCertificates;
  /**
   * Static pages, over plain http even where applications are not: for what a device needs before it trusts anything.
   * Default: none.
   */
  pages?: ReverseProxyPage[];
}
