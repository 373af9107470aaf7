/** Caddy's configuration for the services of one host. Pure. */
import { AFTER_IDENTITY } from "../host-identity/render";
import { lines, MADE_BY } from "../common/text";

/** Where Debian's unit finds its configuration. */
export const CADDYFILE = "/etc/caddy/Caddyfile";
/** Beside Debian's unit: order, run-time folder, another try. */
export const CADDY_DROP_IN = "/etc/systemd/system/caddy.service.d/intranet.conf";

/** The root of the authority that certificates come from, for Caddy alone. */
export const PROXY_ROOT = "/etc/caddy/intranet-root.crt";

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
  /** Static files, over plain http. */
  readonly pages?: readonly { readonly hostname: string; readonly folder: string }[];
  /** The addresses it listens on, and no other. */
  readonly listen: readonly string[];
  /** Where certificates come from; absent: no https. */
  readonly certificates?: { readonly directory: string; readonly renewInterval?: string };
}

const NOTHING = '\trespond "Nothing of that name is served here." 404';

function addresses(scheme: "http" | "https", names: readonly string[]): string {
  return `${names.map((name) => `${scheme}://${name}`).join(", ")} {`;
}

function virtualHost(site: ProxySite, scheme: "http" | "https"): string[] {
  return [
    "",
    addresses(scheme, site.hostnames),
    "\timport listen",
    `\treverse_proxy ${site.upstream} {`,
    "\t\theader_up -Forwarded",
    "\t\theader_up X-Real-IP {remote_host}",
    "\t}",
    "}",
    ...(scheme === "http"
      ? []
      : ["", addresses("http", site.hostnames), "\timport listen", "\tredir https://{host}{uri} 308", "}"]),
  ];
}

/** Devices install a certificate or profile only when it comes with its own type. */
function page({ hostname, folder }: { hostname: string; folder: string }): string[] {
  return [
    "",
    `http://${hostname} {`,
    "\timport listen",
    `\troot * ${folder}`,
    "\t@certificate path *.crt",
    "\theader @certificate Content-Type application/x-x509-ca-cert",
    "\t@profile path *.mobileconfig",
    "\theader @profile Content-Type application/x-apple-aspen-config",
    "\tfile_server",
    "}",
  ];
}

/** Names are listed in the file, so certificates are asked for when it is read and never because a client wants one. */
function certificateOptions(certificates: ProxyConfig["certificates"]): string[] {
  if (!certificates) return ["\tauto_https off"];
  const { directory, renewInterval } = certificates;
  return [
    "\tauto_https disable_redirects",
    `\tacme_ca ${directory}`,
    `\tacme_ca_root ${PROXY_ROOT}`,
    ...(renewInterval === undefined ? [] : [`\trenew_interval ${renewInterval}`]),
  ];
}

/**
 * The Caddyfile. The administration is a socket that only Caddy's own account and root can open. A client's X-Forwarded-* are
 * replaced by Caddy's own, since no proxy is trusted (its default from 2.5 on). A name that is not listed gets 404 and never a backend;
 * over https it gets no certificate either. Only TCP is served.
 */
export function renderCaddyfile(config: ProxyConfig): string {
  const { certificates, pages = [], sites } = config;
  const listen = config.listen.map((address) => (address.includes(":") ? `[${address}]` : address)).join(" ");
  const scheme = certificates ? "https" : "http";
  return lines(
    `# ${MADE_BY}`,
    "{",
    "\tadmin unix//run/caddy/admin.sock",
    certificateOptions(certificates),
    "\tgrace_period 10s",
    certificates ? ["\tservers {", "\t\tprotocols h1 h2", "\t}"] : [],
    "}",
    "",
    "(listen) {",
    `\tbind ${listen}`,
    "}",
    [...sites]
      .sort((a, b) => (a.hostnames[0]! < b.hostnames[0]! ? -1 : 1))
      .flatMap((site) => virtualHost(site, scheme)),
    [...pages].sort((a, b) => (a.hostname < b.hostname ? -1 : 1)).flatMap(page),
    ...(certificates ? ["http", "https"] : ["http"]).map((each) => [
      "",
      `${each}:// {`,
      "\timport listen",
      NOTHING,
      "}",
    ]),
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
