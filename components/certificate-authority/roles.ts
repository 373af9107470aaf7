/** The authority's roles, as desired state. */
import type * as pulumi from "@pulumi/pulumi";
import type { StepCaSource } from "../../model";
import { certificateFile } from "../common/certificate-file";
import { CERTIFICATES, known } from "../common/input";
import type { RoleContent } from "../host-identity/roles";
import { tcpAt } from "../common/ports";
import * as page from "./page";
import * as render from "./render";
import { stepCaSources } from "./source";
import { renderTrustUnit, TRUST_UNIT, TRUSTED_ROOT } from "./trust";

/** What an authority signs with. The root's key is not among it. */
export interface AuthorityCertificates {
  readonly root: pulumi.Input<string>;
  readonly intermediate: pulumi.Input<string>;
  /** The intermediate's, PKCS #8; secret. */
  readonly key: pulumi.Input<string>;
}

/** step-ca, from where `source` says. */
export function authorityRole(
  config: render.AuthorityConfig,
  certificates: AuthorityCertificates,
  source: StepCaSource = "smallstep",
): RoleContent {
  const { hostname, port, crlPort, address } = config;
  return {
    role: "certificate-authority",
    packages: ["step-ca", "curl", "openssl", "ca-certificates"],
    ...stepCaSources(source),
    users: { [render.CA_USER]: { home: render.CA_STATE } },
    directories: { [render.CA_FOLDER]: {} },
    files: {
      [render.CA_CONFIG]: { content: render.renderCaConfig(config) },
      [render.CA_ROOT]: certificateFile(certificates.root),
      [render.CA_INTERMEDIATE]: certificateFile(certificates.intermediate),
      [render.CA_KEY]: {
        content: "{{private_key}}",
        secrets: { private_key: certificates.key },
        owner: render.CA_USER,
      },
      [`/etc/systemd/system/${render.CA_UNIT}`]: { content: render.renderCaUnit() },
    },
    state: [render.CA_STATE],
    ports: tcpAt([address], port, crlPort),
    units: {
      [render.CA_UNIT]: { restartOn: [render.CA_CONFIG, render.CA_ROOT, render.CA_INTERMEDIATE, render.CA_KEY] },
    },
    checks: [
      { command: ["python3", "-m", "json.tool", { staged: render.CA_CONFIG }], description: "ca.json is JSON" },
      {
        command: ["openssl", "verify", "-CAfile", { staged: render.CA_ROOT }, { staged: render.CA_INTERMEDIATE }],
        description: "the root has signed the intermediate",
      },
    ],
    probes: [
      {
        https: { address, port, host: hostname, path: "/health", status: 200, roots: render.CA_ROOT },
        description: "the authority is well",
      },
      {
        http: { address, port: crlPort, host: hostname, path: render.CRL_PATH, status: 200 },
        description: "the authority offers its revocation list",
      },
    ],
  };
}

/** The page's files; a proxy on the host offers them. */
export function pageRole(subject: page.PageSubject, values: pulumi.Output<Record<string, string>>): RoleContent {
  const pick = (...names: string[]): Record<string, pulumi.Output<string>> =>
    Object.fromEntries(names.map((name) => [name, values.apply((all) => all[name]!)]));
  return {
    role: "certificate-authority-page",
    directories: { [page.PAGE_FOLDER]: {} },
    files: {
      [page.PAGE_FILES.index]: { content: page.renderPage(subject), values: pick("fingerprint") },
      [page.PAGE_FILES.certificate]: certificateFile(values.apply(({ certificate }) => certificate!)),
      [page.PAGE_FILES.profile]: {
        content: page.renderMobileConfig(subject),
        values: pick("der", "profile_uuid", "root_uuid"),
      },
    },
  };
}

/** The root in the host's trust store, until the role goes. */
export function trustRole(rootCertificate: pulumi.Input<string>): RoleContent {
  return {
    role: "trust-anchor",
    packages: ["ca-certificates", "openssl"],
    files: {
      [TRUSTED_ROOT]: certificateFile(known(rootCertificate, "rootCertificate", CERTIFICATES)),
      [`/etc/systemd/system/${TRUST_UNIT}`]: { content: renderTrustUnit() },
    },
    units: { [TRUST_UNIT]: { reloadOn: [TRUSTED_ROOT] } },
    checks: [
      {
        command: ["openssl", "x509", "-noout", "-in", { staged: TRUSTED_ROOT }],
        description: "openssl reads the certificate",
      },
    ],
    probes: [
      {
        command: ["openssl", "verify", "-CAfile", "/etc/ssl/certs/ca-certificates.crt", TRUSTED_ROOT],
        description: "the root is trusted",
      },
    ],
  };
}
