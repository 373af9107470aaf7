/** The web server that shows the page to everybody. Pure. */
import { lines, MADE_BY } from "../common/text";
import { CONNECTIONS_EACH, OPEN_FILES } from "./limits";
import { CERTIFICATE_FOLDER, PAGE } from "./page";

/** The web server's whole configuration. */
export const NGINX_CONFIG = "/etc/nginx/nginx.conf";

/** Where the configuration finds what it names; the defaults are the host's, a test brings its own. */
export interface NginxPaths {
  readonly certificateFolder: string;
  readonly page: string;
}

/**
 * With TLS 1.2 those alone that are authenticated and forward secret (RFC 9325, 4.2), for the certificate's kind of
 * key.
 */
const TLS12_CIPHERS = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
];

/** Errors that nginx itself finds before a location is chosen: each gets the page too. */
const OWN_ERRORS = "400 403 404 405 408 411 413 414 416 421 429 494 495 496 497 500 501 502 503 504";

/** What the web server does beside the page, as whole lines. */
export interface NginxGuests {
  /** Before `events`: modules and limits. Absent: none. */
  readonly head?: readonly string[];
  /** Beside `http`: the streams. Absent: none. */
  readonly stream?: readonly string[];
  /** More inside `http`, after the page's server. */
  readonly http: readonly string[];
  /** Where the page is shown over TLS to IPv4, as `listen` takes it, instead of port 443 of every address. */
  readonly page: readonly string[];
}

/**
 * The whole nginx.conf: one default server on both families, plain and TLS, that answers every name, path and method
 * with 403 and the page. No version in the Server header, no Strict-Transport-Security (the certificate is one that
 * nobody trusts).
 */
export function renderNginxConfig(
  paths: NginxPaths = { certificateFolder: CERTIFICATE_FOLDER, page: PAGE },
  guests?: NginxGuests,
): string {
  const folder = paths.page.slice(0, paths.page.lastIndexOf("/"));
  const file = paths.page.slice(paths.page.lastIndexOf("/"));
  return lines(
    `# ${MADE_BY}`,
    "user www-data;",
    "worker_processes auto;",
    "pid /run/nginx.pid;",
    "error_log /var/log/nginx/error.log;",
    // Beyond what each visitor may hold (limits.ts) there is room for many; the unit's LimitNOFILE allows it, where
    // nginx itself may not raise it.
    `worker_rlimit_nofile ${OPEN_FILES};`,
    guests?.head ?? [],
    "",
    "events {",
    "\tworker_connections 8192;",
    "}",
    "",
    guests?.stream ? [...guests.stream, ""] : [],
    "http {",
    "\taccess_log /var/log/nginx/access.log;",
    "\tserver_tokens off;",
    "\tdefault_type text/html;",
    "\tcharset utf-8;",
    "",
    "\tclient_max_body_size 1k;",
    "\tclient_header_timeout 10s;",
    "\tclient_body_timeout 10s;",
    "\tsend_timeout 10s;",
    "\tkeepalive_timeout 15s;",
    "\treset_timedout_connection on;",
    "\tlimit_conn_zone $binary_remote_addr zone=visitors:10m;",
    `\tlimit_conn visitors ${CONNECTIONS_EACH};`,
    "\tlimit_conn_log_level notice;",
    "",
    "\tssl_protocols TLSv1.2 TLSv1.3;",
    `\tssl_ciphers ${TLS12_CIPHERS.join(":")};`,
    "\tssl_prefer_server_ciphers off;",
    "\tssl_session_tickets off;",
    `\tssl_certificate ${paths.certificateFolder}/certificate.pem;`,
    `\tssl_certificate_key ${paths.certificateFolder}/key.pem;`,
    "",
    "\tserver {",
    "\t\tlisten 80 default_server;",
    "\t\tlisten [::]:80 default_server;",
    (guests?.page ?? ["443"]).map((at) => `\t\tlisten ${at} ssl default_server;`),
    "\t\tlisten [::]:443 ssl default_server;",
    "\t\tserver_name _;",
    "",
    `\t\terror_page ${OWN_ERRORS} =403 ${file};`,
    "",
    "\t\tlocation / {",
    "\t\t\treturn 403;",
    "\t\t}",
    "",
    `\t\tlocation = ${file} {`,
    "\t\t\tinternal;",
    `\t\t\troot ${folder};`,
    '\t\t\tadd_header Cache-Control "no-store" always;',
    '\t\t\tadd_header X-Content-Type-Options "nosniff" always;',
    '\t\t\tadd_header X-Robots-Tag "noindex" always;',
    '\t\t\tadd_header Referrer-Policy "no-referrer" always;',
    "\t\t\tadd_header Content-Security-Policy \"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\" always;",
    "\t\t}",
    "\t}",
    guests?.http ?? [],
    "}",
  );
}
