/** What makes a managed host ask the internal name servers. Pure. */
import { lines, MADE_BY } from "../common/text";

/** Read by every program that looks up a name. */
export const RESOLV_CONF = "/etc/resolv.conf";
/** What it links to with systemd-resolved, whose stub answers on the loopback. */
export const STUB = "../run/systemd/resolve/stub-resolv.conf";
/** Our part of systemd-resolved's configuration. */
export const RESOLVED_CONF = "/etc/systemd/resolved.conf.d/60-intranet.conf";
/** The script that says what is wrong. */
export const DOCTOR = "/usr/local/bin/intranet-doctor";

/**
 * For systemd-resolved (resolved.conf(5)). The domain `~.` sends every name here, whatever servers a link brings along.
 * The servers validate, so this host need not; that a name does not exist is not kept, so a new one counts at once.
 */
export function renderResolved(servers: readonly string[], domain: string): string {
  return lines(
    `# ${MADE_BY}`,
    "[Resolve]",
    `DNS=${servers.join(" ")}`,
    "FallbackDNS=",
    `Domains=${domain} ~.`,
    "DNSSEC=no",
    "DNSOverTLS=no",
    "Cache=no-negative",
  );
}

/**
 * resolv.conf(5) for a host without systemd-resolved. Only three servers count; the next is asked after two seconds.
 */
export function renderResolvConf(servers: readonly string[], domain: string): string {
  return lines(
    `# ${MADE_BY}`,
    servers.slice(0, 3).map((server) => `nameserver ${server}`),
    `search ${domain}`,
    "options edns0 timeout:2 attempts:2",
  );
}
