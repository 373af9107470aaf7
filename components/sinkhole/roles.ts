/** The sinkhole's role beside firewall, identity and page: who logs in, and to which key. */
import type * as pulumi from "@pulumi/pulumi";
import type { RoleContent } from "../host-identity/roles";
import { renderAuthorizedKeys, SSHD_READS } from "../common/ssh";

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
