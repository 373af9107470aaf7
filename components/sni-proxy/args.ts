import type * as pulumi from "@pulumi/pulumi";
import type { ManagedHost } from "../common/managed-host";

/** A service that IPv4 guests are let in to, by its name. */
export interface GuestService {
  /** Its full name, below the domain, as guests' TLS handshakes carry it. */
  hostname: string;
  /** Its own IPv6 address, which is reached through a tunnel. */
  address: pulumi.Input<string>;
  /**
   * The TCP ports of this host's IPv4 addresses at which the name leads to the same port of the address; not 22 or 80.
   * At least one, or `web`.
   */
  ports: number[];
  /**
   * Whether port 80 speaks for it too: what an authority asks there to prove the name (ACME, RFC 8555, http-01) is
   * passed on to port 80 of its address, all else is sent on to https.
   */
  web: boolean;
}

/**
 * What lets guests in: Debian's nginx, or the program snid, which the caller brings as a file on the host or by URL and
 * checksum.
 */
export type SniEngine =
  | { kind: "nginx" }
  | {
      kind: "snid";
      /**
       * An executable on the host, by absolute path; or where the host gets it (https) and its SHA-256 in hex. Nothing
       * else is ever run.
       */
      binary: { path: string } | { url: string; sha256: string };
    };

/** Arguments of {@link SniProxy}. */
export interface SniProxyArgs extends ManagedHost {
  /** The domain all of whose names are answered here; those of no service with ACCESS DENIED. */
  domain: string;
  /** Who is let through to what. Empty: nobody to nothing, and only the page is there. */
  services: GuestService[];
  /** What reads guests' names. Default nginx. The page is nginx's with either. */
  engine?: SniEngine;
}
