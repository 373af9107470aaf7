/**
 * nginx's part in letting guests in: streams that are told apart by the name in the TLS handshake, and port 80. Pure.
 */
import { GUEST_PREFIX } from "../../model";
import { CONNECTIONS_EACH } from "../denied-page/limits";
import type { NginxGuests } from "../denied-page/nginx";

/** Debian's package of nginx's streams: `ssl_preread` and `map` (nginx.org, ngx_stream_ssl_preread_module). */
export const STREAM_PACKAGE = "libnginx-mod-stream";

/**
 * Where the page answers over TLS while streams have port 443. On loopback, and no tunnel or visitor reaches it past
 * them.
 */
export const PAGE_PORT = 8403;

const PAGE_AT = `127.0.0.1:${PAGE_PORT}`;

/** A guest's own source address, in front of its IPv4 address. */
const GUEST_NETWORK = GUEST_PREFIX.slice(0, GUEST_PREFIX.indexOf("/"));

/** A service whose address may be a placeholder. */
export interface NamedService {
  readonly hostname: string;
  readonly address: string;
  readonly ports: readonly number[];
  readonly web: boolean;
}

/** Every port that guests come in by, in order. */
export function guestPorts(services: readonly NamedService[]): number[] {
  return [...new Set(services.flatMap(({ ports }) => ports))].sort((a, b) => a - b);
}

const byName = (services: readonly NamedService[]): NamedService[] =>
  [...services].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));

/**
 * The streams. A name leads to its own service and port; whatever else comes, also what is no TLS, to the page. Every
 * target is an address that stands in the file, so nothing is ever resolved. Slow, large and many handshakes end here:
 * a name must have come within 10 seconds and 16 KiB, and one address has 256 connections.
 */
function renderStream(services: readonly NamedService[]): string[] {
  const targets = byName(services).flatMap(({ hostname, address, ports }) =>
    [...ports].sort((a, b) => a - b).map((port) => `\t\t${port}:${hostname} [${address}]:${port};`),
  );
  return [
    "stream {",
    "\tlog_format guests '$time_iso8601 $remote_addr $server_port \"$ssl_preread_server_name\" $upstream_addr $status $bytes_received $bytes_sent $session_time';",
    "\taccess_log /var/log/nginx/guests.log guests;",
    "",
    "\tpreread_buffer_size 16k;",
    "\tpreread_timeout 10s;",
    "\tlimit_conn_zone $binary_remote_addr zone=guests:10m;",
    `\tlimit_conn guests ${CONNECTIONS_EACH};`,
    "\tlimit_conn_log_level notice;",
    "\tproxy_connect_timeout 10s;",
    "\tproxy_timeout 1h;",
    "\tproxy_socket_keepalive on;",
    "\tmap_hash_max_size 16384;",
    "\tmap_hash_bucket_size 512;",
    "",
    "\tmap $server_port:$ssl_preread_server_name $service {",
    `\t\tdefault ${PAGE_AT};`,
    ...targets,
    "\t}",
    "",
    "\tmap $service $guest {",
    `\t\tdefault ${GUEST_NETWORK}$remote_addr;`,
    `\t\t${PAGE_AT} "";`,
    "\t}",
    "",
    "\tserver {",
    ...[...new Set([443, ...guestPorts(services)])].map(
      (port) => `\t\tlisten 0.0.0.0:${port} backlog=4096 so_keepalive=on;`,
    ),
    "\t\tssl_preread on;",
    "\t\tproxy_bind $guest transparent;",
    "\t\tproxy_pass $service;",
    "\t}",
    "}",
  ];
}

/**
 * Port 80 over IPv4, for the names of web services: what an authority asks of a name (RFC 8555, section 8.3) is passed
 * on to the service, with a path that is put together anew, and all else is led to https. Over IPv6 each service
 * answers for itself.
 */
function renderPlain(services: readonly NamedService[]): string[] {
  const web = byName(services).filter((service) => service.web);
  if (web.length === 0) return [];
  return [
    "",
    "\tmap_hash_max_size 16384;",
    "\tmap_hash_bucket_size 512;",
    "\tserver_names_hash_max_size 16384;",
    "\tserver_names_hash_bucket_size 512;",
    "",
    "\tmap $host $service {",
    ...web.map(({ hostname, address }) => `\t\t${hostname} [${address}]:80;`),
    "\t}",
    "",
    "\tserver {",
    "\t\tlisten 80;",
    ...web.map(({ hostname }) => `\t\tserver_name ${hostname};`),
    "",
    "\t\tlocation ~ ^/\\.well-known/acme-challenge/([A-Za-z0-9_-]+)$ {",
    "\t\t\tlimit_except GET {",
    "\t\t\t\tdeny all;",
    "\t\t\t}",
    "\t\t\tproxy_connect_timeout 5s;",
    "\t\t\tproxy_read_timeout 10s;",
    "\t\t\tproxy_redirect off;",
    "\t\t\tproxy_set_header Host $host;",
    "\t\t\tproxy_pass http://$service/.well-known/acme-challenge/$1;",
    "\t\t}",
    "",
    "\t\tlocation / {",
    "\t\t\treturn 308 https://$host$request_uri;",
    "\t\t}",
    "\t}",
  ];
}

/** What nginx does beside the page when it lets the guests in itself. */
export function nginxGuests(services: readonly NamedService[]): NginxGuests {
  return {
    head: ["worker_shutdown_timeout 1h;", "load_module modules/ngx_stream_module.so;"],
    stream: renderStream(services),
    http: renderPlain(services),
    page: [PAGE_AT],
  };
}

/** The same when another program has the guests' ports. */
export function nginxBesideSnid(services: readonly NamedService[]): NginxGuests {
  return { http: renderPlain(services), page: guestPorts(services).includes(443) ? [] : ["443"] };
}
