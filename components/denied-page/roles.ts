/** The roles of the denied page: the certificate that nobody trusts, and the web server. */
import { tcpEverywhere } from "../common/ports";
import { httpProbe, httpsProbe } from "../common/probe";
import type { RoleContent } from "../host-identity/roles";
import * as page from "./page";

/** Makes the certificate on the host when there is none. */
export function certificateRole(): RoleContent {
  return {
    role: "sinkhole-certificate",
    packages: ["openssl"],
    directories: { [page.CERTIFICATE_FOLDER]: { mode: "0700" } },
    files: { [`/etc/systemd/system/${page.CERTIFICATE_UNIT}`]: { content: page.renderCertificateUnit() } },
    units: { [page.CERTIFICATE_UNIT]: {} },
    probes: [
      {
        command: ["openssl", "x509", "-noout", "-in", `${page.CERTIFICATE_FOLDER}/certificate.pem`],
        description: "the certificate is there",
      },
    ],
  };
}

/** Shows ACCESS DENIED with 403 for every name and path, over http and https, and asks for it at the end. */
export function pageRole(domain: string): RoleContent {
  const ask = { hostname: domain, status: 403 };
  return {
    role: "sinkhole-page",
    packages: ["nginx"],
    files: {
      [page.PAGE]: { content: page.renderDeniedPage() },
      [page.NGINX_CONFIG]: { content: page.renderNginxConfig() },
      [page.NGINX_DROP_IN]: { content: page.renderNginxDropIn() },
    },
    units: { "nginx.service": { reloadOn: [page.NGINX_CONFIG, page.PAGE] } },
    ports: tcpEverywhere(80, 443),
    checks: [
      {
        command: ["nginx", "-t", "-q", "-c", { staged: page.NGINX_CONFIG }],
        description: "nginx reads its configuration",
      },
    ],
    probes: [
      httpProbe({ ...ask, address: "127.0.0.1" }),
      httpProbe({ ...ask, address: "::1" }),
      httpsProbe({ ...ask, address: "127.0.0.1" }),
      httpsProbe({ ...ask, address: "::1" }),
    ],
  };
}
