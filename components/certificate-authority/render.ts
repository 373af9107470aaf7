/** Files of step-ca: configuration and unit. Pure. */
import { PROTECTED } from "../common/hardening";
import { AFTER_IDENTITY } from "../host-identity/render";
import { lines, MADE_BY } from "../common/text";

/** Where its configuration lies. */
export const CA_FOLDER = "/etc/step-ca";
/** Its configuration. */
export const CA_CONFIG = `${CA_FOLDER}/ca.json`;
/** The root, for who asks. */
export const CA_ROOT = `${CA_FOLDER}/root.crt`;
/** What it signs with. */
export const CA_INTERMEDIATE = `${CA_FOLDER}/intermediate.crt`;
/** The key of that. */
export const CA_KEY = `${CA_FOLDER}/intermediate.key`;
/** Accounts, orders, what was issued and revoked. It survives resets and ends with the role. */
export const CA_STATE = "/var/lib/step-ca";
/** The account that it runs as. */
export const CA_USER = "step-ca";
/** Its unit. */
export const CA_UNIT = "step-ca.service";
const DESCRIPTION = "Description=Certificate authority of the intranet";

/** What an authority is configured with. */
export interface AuthorityConfig {
  readonly domain: string;
  /** Its own name. */
  readonly hostname: string;
  /** The one address that it listens on. */
  readonly address: string;
  readonly port: number;
  readonly crlPort: number;
  /** Name of the ACME provisioner: part of the directory's URL. */
  readonly provisioner: string;
  /** A Go duration. */
  readonly leafLifetime: string;
  /** Names may stand one label below these, and below the domain. */
  readonly subdomains: readonly string[];
}

/** The revocation list, below the address of its port. */
export const CRL_PATH = "/crl";
/** The TCP port of that, unless another one is asked for. */
export const CRL_PORT = 9001;

/** Where the revocation list is. */
export function crlUrl(config: Pick<AuthorityConfig, "hostname" | "crlPort">): string {
  return `http://${config.hostname}:${config.crlPort}${CRL_PATH}`;
}

/** The ACME directory of an authority. */
export function directoryUrl(config: Pick<AuthorityConfig, "hostname" | "port" | "provisioner">): string {
  return `https://${config.hostname}:${config.port}/acme/${config.provisioner}/directory`;
}

/** step-ca's template of a leaf: names from the order, for servers and clients, and where revocation is looked up. */
function leafTemplate(crl: string): string {
  return [
    "{",
    '"subject": {"commonName": {{ toJson .Subject.CommonName }}},',
    '"sans": {{ toJson .SANs }},',
    '"keyUsage": ["digitalSignature"],',
    '"extKeyUsage": ["serverAuth", "clientAuth"],',
    `"crlDistributionPoints": [${JSON.stringify(crl)}]`,
    "}",
  ].join(" ");
}

/**
 * ca.json: one ACME provisioner that proves names by http-01 and tls-alpn-01, one lifetime for all leaves, a revocation
 * list that is made anew with each revocation. Names that the policy refuses are refused before anything is asked of
 * them; what the intermediate's name constraints refuse is never signed.
 */
export function renderCaConfig(config: AuthorityConfig): string {
  const { domain, hostname, address, leafLifetime } = config;
  const crl = crlUrl(config);
  const dns = [domain, ...[domain, ...config.subdomains].map((parent) => `*.${parent}`)];
  const json = {
    root: [CA_ROOT],
    crt: CA_INTERMEDIATE,
    key: CA_KEY,
    address: `${address}:${config.port}`,
    insecureAddress: `${address}:${config.crlPort}`,
    dnsNames: [hostname],
    commonName: hostname,
    logger: { format: "text" },
    db: { type: "badgerv2", dataSource: `${CA_STATE}/db` },
    crl: { enabled: true, generateOnRevoke: true, cacheDuration: "24h", idpURL: crl },
    tls: { minVersion: 1.2, maxVersion: 1.3, renegotiation: false },
    authority: {
      policy: { x509: { allow: { dns }, allowWildcardNames: false } },
      provisioners: [
        {
          type: "ACME",
          name: config.provisioner,
          challenges: ["http-01", "tls-alpn-01"],
          claims: {
            minTLSCertDuration: leafLifetime,
            maxTLSCertDuration: leafLifetime,
            defaultTLSCertDuration: leafLifetime,
            enableSSHCA: false,
          },
          options: { x509: { template: leafTemplate(crl) } },
        },
      ],
    },
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

/** The unit: an account of its own that can write nothing but its state, after the address that it listens on. */
export function renderCaUnit(): string {
  return lines(
    `# ${MADE_BY}`,
    ...AFTER_IDENTITY.flatMap((line) => (line === "[Unit]" ? [line, DESCRIPTION] : [line])),
    "[Service]",
    `User=${CA_USER}`,
    `Group=${CA_USER}`,
    `Environment=STEPPATH=${CA_FOLDER}`,
    `ExecStart=/usr/bin/step-ca ${CA_CONFIG}`,
    "Restart=on-failure",
    "RestartSec=2s",
    "StateDirectory=step-ca",
    "StateDirectoryMode=0700",
    "UMask=0077",
    "CapabilityBoundingSet=",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "NoNewPrivileges=yes",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    PROTECTED,
    "ProtectSystem=strict",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}
