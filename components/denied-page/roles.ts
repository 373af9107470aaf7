/** The roles of the denied page: the certificate that nobody trusts, and the web server. */
import type * as pulumi from "@pulumi/pulumi";
import { tcpEverywhere } from "../common/ports";
import type { RoleContent } from "../host-identity/roles";
import { NGINX_CONFIG, renderNginxConfig, type NginxGuests } from "./nginx";
import * as page from "./page";

/** Makes the certificate on the host when there is none. */
export function certificateRole(): RoleContent {
  const unit = `/etc/systemd/system/${page.CERTIFICATE_UNIT}`;
  return {
    role: "sinkhole-certificate",
    packages: ["openssl"],
    directories: { [page.CERTIFICATE_FOLDER]: { mode: "0700" } },
    files: { [unit]: { content: page.renderCertificateUnit() } },
    // nginx needs it and so starts again with it, with the new certificate.
    units: { [page.CERTIFICATE_UNIT]: { restartOn: [unit] } },
    probes: [
      {
        command: ["openssl", "x509", "-noout", "-in", `${page.CERTIFICATE_FOLDER}/certificate.pem`],
        description: "the certificate is there",
      },
    ],
  };
}

/** What a role adds to that of the page. */
export interface PageAddition {
  /** What nginx does beside the page, with the values of its placeholders. */
  readonly guests: NginxGuests;
  readonly values: Readonly<Record<string, pulumi.Input<string>>>;
  /** Of other packages and programs, in the same transaction, so that one can take a port over from another. */
  readonly role: Pick<RoleContent, "packages" | "files" | "units" | "ports" | "checks" | "probes" | "state">;
  /** Units that nginx starts after. */
  readonly after: readonly string[];
}

/** Shows ACCESS DENIED with 403 for every name and path, over http and https, and asks for it at the end. */
export function pageRole(domain: string, more?: PageAddition): RoleContent {
  const ask = { host: domain, status: 403 };
  const config = { content: renderNginxConfig(undefined, more?.guests) };
  // What another program answers with over TLS to IPv4 is not for the page to ask.
  const tls = more?.guests.page.length === 0 ? ["::1"] : ["127.0.0.1", "::1"];
  return {
    ...more?.role,
    role: "sinkhole-page",
    packages: ["nginx", ...(more?.role.packages ?? [])],
    files: {
      [page.PAGE]: { content: page.renderDeniedPage() },
      [NGINX_CONFIG]: { ...config, ...(more ? { values: { ...more.values } } : {}) },
      [page.NGINX_DROP_IN]: { content: page.renderNginxDropIn(more?.after) },
      ...more?.role.files,
    },
    units: { "nginx.service": { reloadOn: [NGINX_CONFIG, page.PAGE] }, ...more?.role.units },
    ports: [...tcpEverywhere(80, 443), ...(more?.role.ports ?? [])],
    checks: [
      {
        command: ["nginx", "-t", "-q", "-c", { staged: NGINX_CONFIG }],
        description: "nginx reads its configuration",
      },
      ...(more?.role.checks ?? []),
    ],
    probes: [
      ...["127.0.0.1", "::1"].map((address) => ({ http: { ...ask, address } })),
      ...tls.map((address) => ({ https: { ...ask, address } })),
      ...(more?.role.probes ?? []),
    ],
  };
}
