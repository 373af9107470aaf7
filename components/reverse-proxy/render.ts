/** Caddy's configuration for the services of one host. Pure. */
import { deniedCertificate } from "../common/denied-certificate";
import { AFTER_IDENTITY } from "../host-identity/render";
import { AFTER_SITE_PREFIX } from "../site-prefix/render";
import { lines, MADE_BY } from "../common/text";

/** Where Debian's unit finds its configuration. */
export const CADDYFILE = "/etc/caddy/Caddyfile";
/** Beside Debian's unit: order, run-time folder, another try. */
export const CADDY_DROP_IN = "/etc/systemd/system/caddy.service.d/intranet.conf";

/** The root of the authority that certificates come from, for Caddy alone. */
export const PROXY_ROOT = "/etc/caddy/intranet-root.crt";

/** The root of the public authority's own certificate, where Debian does not have it. */
export const PUBLIC_ROOT = "/etc/caddy/intranet-public-root.crt";

/**
 * Certificate (`.crt`) and key (`.key`) that fit no name: Caddy's unit makes them anew with each start, and they end
 * with it.
 */
export const DENIED = "/run/caddy/denied";

/** Above the applications that a public authority certifies. */
export const PUBLIC_SITES = "# By a public authority.";

/** One virtual host. */
export interface ProxySite {
  /** Its names, at least one. */
  readonly hostnames: readonly string[];
  /** Where the application listens: `127.0.0.1:8080`, or `localhost:8080` for whichever loopback it is at. */
  readonly upstream: string;
  /** Whether a public authority certifies it. */
  readonly public?: boolean;
  /** IPv6 addresses, or placeholders of such, at which it alone is answered. */
  readonly listen?: readonly string[];
}

/** A public authority. */
export interface PublicAuthority {
  readonly directory: string;
  /** Whether its root lies at {@link PUBLIC_ROOT}; else those that Debian trusts are taken. */
  readonly ownRoot: boolean;
  readonly email?: string;
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
  /** Who certifies those that are public; it must be there for them. */
  readonly publicCertificates?: PublicAuthority;
}

/** What is said in an application's place: by the proxy itself, so not where the application has said something. */
const DOWN = [
  "",
  "(application) {",
  "\thandle_errors {",
  '\t\trespond "The application behind this name does not answer. Is it running on its host, and at the port that was given?" {err.status_code}',
  "\t}",
  "}",
];

const NOTHING = '\trespond "Nothing of that name is served here." 404';

function addresses(scheme: "http" | "https", names: readonly string[]): string {
  return `${names.map((name) => `${scheme}://${name}`).join(", ")} {`;
}

/** The addresses of their own of these, as `bind` takes them. */
function ownAddresses(sites: readonly ProxySite[]): string[] {
  const own = sites.flatMap((site) => site.listen ?? []);
  return own.length === 0 ? [] : [`\tbind ${own.map((address) => `[${address}]`).join(" ")}`];
}

/**
 * For a year browsers ask for the name over TLS alone (RFC 6797), unless the application itself says something else.
 */
const STRICT = '\theader ?Strict-Transport-Security "max-age=31536000"';

/** An https site's `more` lines beside a plain one's: who certifies it, where that differs from site to site. */
function virtualHost(site: ProxySite, scheme: "http" | "https", more: readonly string[] = []): string[] {
  const head = ["\timport listen", ...ownAddresses([site])];
  return [
    "",
    addresses(scheme, site.hostnames),
    ...head,
    ...more,
    ...(scheme === "https" ? [STRICT] : []),
    `\treverse_proxy ${site.upstream} {`,
    "\t\theader_up -Forwarded",
    "\t\theader_up X-Real-IP {remote_host}",
    "\t}",
    "\timport application",
    "}",
    ...(scheme === "http"
      ? []
      : ["", addresses("http", site.hostnames), ...head, "\tredir https://{host}{uri} 308", "}"]),
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

/**
 * Names are listed in the file, so certificates are asked for when it is read and never because a client wants one.
 * With a second authority none is named here: Caddy adds the global root to the roots of every other one, which would
 * not be verified any more.
 */
function certificateOptions({ certificates, publicCertificates }: ProxyConfig): string[] {
  if (!certificates && !publicCertificates) return ["\tauto_https off"];
  const { directory, renewInterval } = certificates ?? {};
  return [
    "\tauto_https disable_redirects",
    ...(publicCertificates || !certificates ? [] : [`\tacme_ca ${directory}`, `\tacme_ca_root ${PROXY_ROOT}`]),
    ...(renewInterval === undefined ? [] : [`\trenew_interval ${renewInterval}`]),
  ];
}

/**
 * Who certifies, to import into a site. A site with its own list of protocols is told apart from all others by its name
 * already in the handshake.
 */
function authority(name: "internal" | "public", directory: string, more: readonly string[]): string[] {
  const options = more.map((option) => `\t\t\t${option}`);
  const apart = name === "public" ? ["\t\tprotocols tls1.2 tls1.3"] : [];
  return ["", `(${name}) {`, "\ttls {", ...apart, `\t\tissuer acme ${directory} {`, ...options, "\t\t}", "\t}", "}"];
}

/** Both authorities, where there is a public one. */
function authorities({ certificates, publicCertificates }: ProxyConfig): string[] {
  if (!publicCertificates) return [];
  const { directory, ownRoot, email } = publicCertificates;
  const options = [
    ...(ownRoot ? [`trusted_roots ${PUBLIC_ROOT}`] : []),
    ...(email === undefined ? [] : [`email ${email}`]),
  ];
  return [
    ...(certificates ? authority("internal", certificates.directory, [`trusted_roots ${PROXY_ROOT}`]) : []),
    ...authority("public", directory, options),
  ];
}

/** What answers all other names at these addresses. */
function nothing(scheme: "http" | "https", where: readonly string[]): string[] {
  return ["", `${scheme}:// {`, ...where, NOTHING, "}"];
}

function byName(sites: readonly ProxySite[]): ProxySite[] {
  return [...sites].sort((a, b) => (a.hostnames[0]! < b.hostnames[0]! ? -1 : 1));
}

/**
 * The Caddyfile. The administration is a socket that only Caddy's own account and root can open. A client's
 * X-Forwarded-* are replaced by Caddy's own, since no proxy is trusted (its default from 2.5 on). A name that is not
 * listed gets 404 and never a backend; over https it gets no certificate either. At an application's own address all
 * names but its own get the one that fits none, so that nobody can ask there which other names there are. Only TCP is
 * served.
 */
export function renderCaddyfile(config: ProxyConfig): string {
  const { certificates, publicCertificates, pages = [] } = config;
  const listen = config.listen.map((address) => (address.includes(":") ? `[${address}]` : address)).join(" ");
  const scheme = certificates ? "https" : "http";
  const secure = certificates !== undefined || publicCertificates !== undefined;
  const sites = byName(config.sites);
  const open = sites.filter((site) => site.public);
  const own = ownAddresses(sites);
  const who = certificates && publicCertificates ? ["\timport internal"] : [];
  return lines(
    `# ${MADE_BY}`,
    "{",
    "\tadmin unix//run/caddy/admin.sock",
    certificateOptions(config),
    "\tgrace_period 10s",
    secure ? ["\tservers {", "\t\tprotocols h1 h2", "\t}"] : [],
    "}",
    "",
    "(listen) {",
    `\tbind ${listen}`,
    "}",
    sites.length === 0 ? [] : DOWN,
    authorities(config),
    sites.filter((site) => !site.public).flatMap((site) => virtualHost(site, scheme, who)),
    [...pages].sort((a, b) => (a.hostname < b.hostname ? -1 : 1)).flatMap(page),
    open.length === 0 ? [] : ["", PUBLIC_SITES],
    open.flatMap((site) => virtualHost(site, "https", ["\timport public"])),
    nothing("http", ["\timport listen"]),
    secure ? nothing("https", ["\timport listen"]) : [],
    own.length === 0 ? [] : nothing("http", own),
    own.length === 0 || !secure ? [] : nothing("https", [...own, `\ttls ${DENIED}.crt ${DENIED}.key`]),
  );
}

/**
 * Starts Caddy after the addresses that it listens on. What it keeps of its own configuration goes to a folder that
 * ends with it. `own`: applications have addresses of their own.
 */
export function renderCaddyDropIn(own = false): string {
  return lines(
    `# ${MADE_BY}`,
    ...AFTER_IDENTITY,
    own ? AFTER_SITE_PREFIX : [],
    "[Service]",
    "RuntimeDirectory=caddy",
    "RuntimeDirectoryMode=0700",
    "Environment=XDG_CONFIG_HOME=/run/caddy",
    own ? `ExecStartPre=/usr/bin/${deniedCertificate(`${DENIED}.key`, `${DENIED}.crt`)}` : [],
    "Restart=on-failure",
    "RestartSec=2s",
  );
}
