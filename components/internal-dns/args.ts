import type { ManagedHost } from "../common/managed-host";

/** A host that answers for names. */
export interface NameServerHost extends ManagedHost {
  /** The host's name, for the resources' names and messages: one DNS label. */
  name: string;
  /** Its addresses in the intranet, inside the space: what clients ask, and where the servers reach each other. */
  identity: { v4: string; v6: string };
  /**
   * The addresses to answer on, port 53 of UDP and TCP, beside the loopback: both of the identity, and the host's on
   * its LAN. All inside the space: a server that listened elsewhere could be asked from outside.
   */
  listen: string[];
}

/** A record of the internal zone. */
export interface InternalRecord {
  /** Relative to the domain, in lower case; `@` is the domain itself, `*` a wildcard. */
  name: string;
  /** Its type in capitals: A, AAAA, CNAME, MX, TXT, SRV, … SOA and the domain's own NS are made by the component. */
  type: string;
  /** Seconds, 1 to 604800. Default 300. */
  ttl?: number;
  /**
   * One line as after the type in a zone file. A name of another zone ends in a dot; one without any dot is relative to
   * the domain.
   */
  data: string;
}

/** Arguments of {@link InternalDns}. */
export interface InternalDnsArgs {
  /** The domain that is answered for inside, without the trailing dot. */
  domain: string;
  /** The supernets: who may ask, and whose addresses have their reverse zones here. Everybody else is refused. */
  space: { v4: string; v6: string };
  /** One to three hosts. The first holds the zones; the others are kept in step by transfers that a key protects. */
  servers: NameServerHost[];
  /**
   * All names of the domain but `ns1`, `ns2`, which the component declares. What is not declared does not exist
   * (NXDOMAIN).
   */
  records: InternalRecord[];
  /** The names of addresses, each inside the space; a full domain name without the trailing dot. */
  reverse: { address: string; name: string }[];
  /** Resolvers that all other names are asked from, and nobody else is. Absent: own recursion from the root. */
  forwarders?: string[];
  /** The root's servers, name to addresses. Absent: the real ones, as BIND knows them. */
  rootServers?: Record<string, string[]>;
  /**
   * DNSSEC's trust anchors as DS records, `. 20326 8 2 E06D44B8…`. Absent: the real root's, as BIND knows and renews
   * it. Answers with a wrong signature are SERVFAIL either way.
   */
  trustAnchors?: string[];
  /** A public name that {@link InternalDns.doctor} tries. Default `debian.org`. */
  publicName?: string;
  /** Raise it to give the servers a new transfer key. Default 1. */
  keyVersion?: number;
}
