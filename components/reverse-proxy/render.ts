/** Caddy's configuration for the services of one host. Pure. */
import { AFTER_IDENTITY } from "../host-identity/render";
import { lines, MADE_BY } from "../common/text";

/** Where Debian's unit finds its configuration. */
export const CADDYFILE = "/etc/caddy/Caddyfile";
/** Beside Debian's unit: order, run-time folder, another try. */
export const CADDY_DROP_IN = "/etc/systemd/system/caddy.service.d/intranet.conf";

/** One virtual host. */
export interface ProxySite {
  /** Its names, at least one. */
  readonly hostnames: readonly string[];
  /** Where the application listens: `127.0.0.1:8080`. */
  readonly upstream: string;
}

/** What the proxy serves, and where. */
export interface ProxyConfig {
  readonly sites: readonly ProxySite[];
  /** The addresses it listens on, and no other. */
  readonly listen: readonly string[];
}

function virtualHost(site: ProxySite): string[] {
  return [
    "",
    `${site.hostnames.map((name) => `http://${name}`).join(", ")} {`,
    "\timport listen",
    `\treverse_proxy ${site.upstream} {`,
    "\t\theader_up -Forwarded",
    "\t\theader_up X-Real-IP {remote_host}",
    "\t}",
    "}",
  ];
}

/**
 * The Caddyfile. Plain HTTP; the administration is a socket that only Caddy's own account and root can open. A client's
 * X-Forwarded-* are replaced by Caddy's own, since no proxy is trusted (its default from 2.5 on). A name that is not listed gets 404 and
 * never a backend.
 */
export function renderCaddyfile(config: ProxyConfig): string {
  const listen = config.listen.map((address) => (address.includes(":") ? `[${address}]` : address)).join(" ");
  return lines(
    `# ${MADE_BY}`,
    "{",
    "\tadmin unix//run/caddy/admin.sock",
    "\tauto_https off",
    "\tgrace_period 10s",
    "}",
    "",
    "(listen) {",
    `\tbind ${listen}`,
    "}",
    [...config.sites].sort((a, b) => (a.hostnames[0]! < b.hostnames[0]! ? -1 : 1)).flatMap(virtualHost),
    "",
    "http:// {",
    "\timport listen",
    '\trespond "Nothing of that name is served here." 404',
    "}",
  );
}

/**
 * Starts Caddy after the addresses that it listens on, and again while one of them is still missing (a LAN without a cable). What it
 * keeps of its own configuration goes to a folder that ends with it.
 */
export function renderCaddyDropIn(): string {
  return lines(
    `# ${MADE_BY}`,
    ...AFTER_IDENTITY,
    "[Service]",
    "RuntimeDirectory=caddy",
    "RuntimeDirectoryMode=0700",
    "Environment=XDG_CONFIG_HOME=/run/caddy",
    "Restart=on-failure",
    "RestartSec=2s",
  );
}
