import type { IntranetSpec } from "../../model";
import type { SniEngine } from "../sni-proxy/args";

/** Arguments of {@link Intranet}: the description, and what its cloud resources need beside it. */
export interface IntranetArgs extends IntranetSpec {
  /** The operator's SSH public keys, OpenSSH form, at least one: who may log in to the sinkhole. */
  sshPublicKeys: string[];
  /** The Cloudflare zone that holds the domain. Default: the domain itself. */
  zone?: string;
  /** Guards server and addresses against deletion. Default true; see {@link SinkholeArgs.protect}. */
  protect?: boolean;
  /** Certificate authorities that may issue for the domain. Default: none; see {@link PublicDnsArgs.caa}. */
  caa?: string[];
  /** What lets in those who have IPv4 alone, by the name in the TLS handshake. Default nginx; see {@link SniEngine}. */
  guests?: SniEngine;
}
