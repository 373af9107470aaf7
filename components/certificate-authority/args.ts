import type * as pulumi from "@pulumi/pulumi";
import type { StepCaSource } from "../../model";
import type { ManagedHost } from "../common/managed-host";

/**
 * Arguments of {@link CertificateAuthority}. The package `step-ca` is not Debian's own: see `source`.
 */
export interface CertificateAuthorityArgs extends ManagedHost {
  /**
   * The only domain, with all names below it, for which it can issue valid certificates. Another one needs another
   * `rootVersion`.
   */
  domain: string;
  /**
   * What devices list the root under, 1 to 40 characters. Default: the domain. Another one needs another `rootVersion`.
   */
  organisation?: string;
  /**
   * The host's addresses in the intranet. The authority listens on the IPv4 one alone, since step-ca takes a single
   * address.
   */
  identity: { v4: string; v6: string };
  /**
   * Where `step-ca` comes from on a host that has not got it. Default: `smallstep`, its maker's apt repository, unless
   * the host's own apt has it.
   */
  source?: StepCaSource;
  /** Its own name, one of the domain, which the internal DNS leads to `identity.v4`. Default: `ca.<domain>`. */
  hostname?: string;
  /** TCP port of https: ACME and /health. Default: 9000. */
  port?: number;
  /** TCP port of plain http: the revocation list, at /crl. Default: 9001. */
  crlPort?: number;
  /**
   * How long a service's certificate is valid: a whole number with `h` or `m`, from 3m to 8760h. Proxies renew it at
   * two thirds. Short ones limit what a stolen key is good for; long ones bridge a longer time without the authority.
   * Default: `168h`, a week.
   */
  leafLifetime?: string;
  /**
   * Subdomains below which services have names too: for `wiki.home.<domain>` give `home.<domain>`. Default: none, so
   * names are one label below the domain.
   */
  subdomains?: string[];
  /**
   * Raise it for a new root. Every device has to install that one by hand; proxies get new certificates at once.
   * Default: 1.
   */
  rootVersion?: number;
  /** How long a root is valid, in days from 1 to 36500. Takes effect with the next `rootVersion`. Default: 3650. */
  rootLifetimeDays?: number;
  /** Raise it for a new intermediate, for example when the host was broken into; devices notice nothing. Default: 1. */
  intermediateVersion?: number;
  /** How long an intermediate is valid, in days from 1 to 36500; another value makes a new one. Default: 1095. */
  intermediateLifetimeDays?: number;
}

/** Arguments of {@link TrustAnchor}. */
export interface TrustAnchorArgs extends ManagedHost {
  /** The root certificate that programs on the host are to trust, PEM. */
  rootCertificate: pulumi.Input<string>;
}
