/** The proxies that are compared, each with the configuration that it is given. */
import { renderNginxConfig } from "../../../components/denied-page/nginx";
import { nginxGuests } from "../../../components/sni-proxy/nginx";
import { BULK, SMALL } from "./load";

/** A proxy under test. */
export interface Proxy {
  readonly title: string;
  /** Its configuration, for a folder of its own that holds `certificate.pem`, `key.pem` and `denied.html`. */
  readonly config: (folder: string) => string;
  /** The command that runs it in the foreground with the file. */
  readonly command: (file: string) => string[];
  /** The port at which a service is asked for. */
  readonly port: (service: "small" | "bulk") => number;
}

const SERVICES = [SMALL, BULK].map(({ name, address }) => ({ hostname: name, address, ports: [443], web: true }));
const nginx = (file: string): string[] => ["nginx", "-g", "daemon off;", "-c", file];

/** What the library renders, with paths of a test: by name, with the guest's own address as the source. */
const ours: Proxy = {
  title: "this library (nginx, by name, the guest's address kept)",
  config: (folder) =>
    renderNginxConfig({ certificateFolder: folder, page: `${folder}/denied.html` }, nginxGuests(SERVICES))
      .replaceAll("/var/log/nginx", folder)
      .replace("/run/nginx.pid", `${folder}/nginx.pid`)
      // The services are on the same host here, at the same port.
      .replace("listen [::]:443", "listen [::1]:443")
      // Guests of the benchmark are one address; the limit is there for those who are not.
      .replace("limit_conn guests 256;", "limit_conn guests 4096;"),
  command: nginx,
  port: () => 443,
};

/** nginx's streams without names: each port leads to one service. */
const plain: Proxy = {
  title: "plain nginx stream (one port a service)",
  config: (folder) =>
    [
      "user www-data;",
      "worker_processes auto;",
      `pid ${folder}/nginx.pid;`,
      `error_log ${folder}/error.log;`,
      "worker_rlimit_nofile 32768;",
      "load_module modules/ngx_stream_module.so;",
      "events {\n\tworker_connections 8192;\n}",
      "stream {",
      ...[SMALL, BULK].map(
        ({ address }, index) =>
          `\tserver {\n\t\tlisten 0.0.0.0:${4430 + index} backlog=4096;\n\t\tproxy_pass [${address}]:443;\n\t}`,
      ),
      "}\n",
    ].join("\n"),
  command: nginx,
  port: (service) => (service === "small" ? 4430 : 4431),
};

/** HAProxy by name, as its documentation shows it; the service sees HAProxy's address. */
const haproxy: Proxy = {
  title: "HAProxy (by name)",
  config: () =>
    [
      "global\n\tmaxconn 8192\n\tnbthread 2",
      "defaults\n\tmode tcp\n\ttimeout connect 10s\n\ttimeout client 1h\n\ttimeout server 1h",
      "frontend guests\n\tbind 0.0.0.0:4432 backlog 4096\n\ttcp-request inspect-delay 10s\n\ttcp-request content accept if { req.ssl_hello_type 1 }",
      ...[SMALL, BULK].map(({ name }, index) => `\tuse_backend service${index} if { req.ssl_sni -i ${name} }`),
      ...[SMALL, BULK].map(({ address }, index) => `backend service${index}\n\tserver one [${address}]:443`),
      "",
    ].join("\n"),
  command: (file) => ["haproxy", "-db", "-f", file],
  port: () => 4432,
};

/** All of them, ours first. */
export const PROXIES: readonly Proxy[] = [ours, plain, haproxy];
