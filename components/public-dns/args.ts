import type * as pulumi from "@pulumi/pulumi";

/** A name that leads to a service, and not to ACCESS DENIED. */
export interface PublicService {
  /** Its full name, one label below the domain. */
  name: string;
  /** The service's own IPv6 address. Over IPv4 the name leads to the sinkhole, which lets in by name. */
  ipv6: pulumi.Input<string>;
}

/** Arguments of {@link PublicDns}. */
export interface PublicDnsArgs {
  /** The Cloudflare zone that holds the domain, for example `example.net`. */
  zone: string;
  /** The domain all of whose names lead to the sinkhole: the zone itself or, better, a subdomain of it. */
  domain: string;
  /** The sinkhole's public IPv4 address. */
  ipv4: pulumi.Input<string>;
  /** The sinkhole's public IPv6 address. */
  ipv6: pulumi.Input<string>;
  /**
   * Certificate authorities that may issue for the domain (RFC 8659), for example `letsencrypt.org`. Default: none may.
   * Mind that this holds for every name below `domain`, also for records that somebody else made where the domain is
   * the whole zone.
   */
  caa?: string[];
  /**
   * Services that the Internet reaches. All other names still lead to the sinkhole, those below a service's too.
   * Default: none.
   */
  services?: PublicService[];
  /**
   * The one authority that may issue for the services' names, and for these alone, as CAA records name it (RFC 8659).
   * Default `letsencrypt.org`.
   */
  issuer?: string;
  /** Whether the domain itself leads to the sinkhole too. Default true. */
  apex?: boolean;
  /** Seconds that answers are kept, 60 to 86400. Default 300. */
  ttl?: number;
}
