/** The role by which an enrolled host is reached, as desired state. */
import type * as pulumi from "@pulumi/pulumi";
import type { RoleContent } from "../../host";
import { renderAuthorizedKeys, SSHD_READS } from "../common/ssh";
import { tcpAt } from "../common/ports";
import * as render from "./render";

const ASK_SSH = [
  'exec 3<>"/dev/tcp/$1/$2" || exit 1',
  'read -r -t 5 banner <&3; case $banner in SSH-2.0-*) ;; *) echo "answered: $banner"; exit 1 ;; esac',
].join("\n");

/** SSH for the operator on the identity alone, with the library's host key. */
export function sshRole(args: {
  address: string;
  port: number;
  sshPublicKeys: readonly string[];
  hostPrivateKey: pulumi.Input<string>;
}): RoleContent {
  return {
    role: "intranet-ssh",
    packages: ["openssh-server"],
    directories: { "/etc/intranet/ssh": { mode: "0755" } },
    files: {
      [render.HOST_KEY]: { content: "{{host_key}}", secrets: { host_key: args.hostPrivateKey } },
      [render.AUTHORIZED_KEYS]: { content: renderAuthorizedKeys(args.sshPublicKeys) },
      [render.SSHD_CONFIG]: { content: render.renderSshdConfig() },
      [`/etc/systemd/system/${render.SSH_SOCKET}`]: { content: render.renderSocket(args.address, args.port) },
      [`/etc/systemd/system/${render.SSH_SERVICE}`]: { content: render.renderService() },
    },
    units: { [render.SSH_SOCKET]: {} },
    ports: tcpAt([args.address], args.port),
    checks: [
      {
        command: [...SSHD_READS, { staged: render.SSHD_CONFIG }, { staged: render.HOST_KEY }],
        description: "sshd reads its configuration",
      },
    ],
    probes: [
      {
        command: ["bash", "-c", ASK_SSH, "probe", args.address, String(args.port)],
        description: `SSH answers at ${args.address}`,
        timeoutSeconds: 10,
      },
    ],
    confirm: true,
    // The script has installed the first one, so there is no other to take when the role is made.
    installsHostKey: {},
  };
}
