/** The sinkhole's roles beside firewall and identity: who logs in and to which key, the certificate that nobody trusts, and the page. */
import type * as pulumi from "@pulumi/pulumi";
import { tcpEverywhere } from "../common/ports";
import { httpProbe, httpsProbe } from "../common/probe";
import type { RoleContent } from "../host-identity/roles";
import { renderAuthorizedKeys, SSHD_READS } from "../common/ssh";
import * as page from "./page";

const HOST_KEY = "/etc/ssh/ssh_host_ed25519_key";

/** sshd is asked for its key, which has to be the one in the file: it reads a new one a moment after the reload. */
const SHOWS_KEY = [
  'shown=$(ssh-keyscan -T 5 -t ed25519 127.0.0.1 2>/dev/null | sed -n "s/^127.0.0.1 //p")',
  '[ "$shown" = "$(cut -d " " -f 1,2 "$1")" ] || { echo "sshd shows: $shown"; exit 1; }',
].join("\n");

/**
 * Gives the server its SSH host key in place of the one from its user data, and says who may log in. Both are kept only when a new
 * connection sees that key and gets in.
 */
export function sshRole(args: {
  hostKey: { publicKey: pulumi.Input<string>; privateKey: pulumi.Input<string> };
  /** What a new server shows. */
  firstKey: pulumi.Input<string>;
  sshPublicKeys: readonly string[];
}): RoleContent {
  return {
    role: "sinkhole-ssh",
    packages: ["openssh-server"],
    directories: { "/root/.ssh": { mode: "0700" } },
    files: {
      [HOST_KEY]: { content: "{{host_key}}", secrets: { host_key: args.hostKey.privateKey } },
      [`${HOST_KEY}.pub`]: { content: "{{host_key}}\n", values: { host_key: args.hostKey.publicKey } },
      "/root/.ssh/authorized_keys": { content: renderAuthorizedKeys(args.sshPublicKeys), mode: "0600" },
    },
    units: { "ssh.service": { reloadOn: [HOST_KEY] } },
    checks: [
      {
        command: [...SSHD_READS, "/etc/ssh/sshd_config", { staged: HOST_KEY }],
        description: "sshd reads the host key",
      },
    ],
    probes: [{ command: ["sh", "-c", SHOWS_KEY, "probe", `${HOST_KEY}.pub`], description: "sshd shows the host key" }],
    confirm: true,
    installsHostKey: { first: [args.firstKey] },
  };
}

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
