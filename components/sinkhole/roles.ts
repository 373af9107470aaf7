/** The sinkhole's role beside firewall, identity and page: who logs in, and to which key. */
import type * as pulumi from "@pulumi/pulumi";
import type { RoleContent } from "../host-identity/roles";
import { lines, MADE_BY } from "../common/text";
import { renderAuthorizedKeys, SSHD_READS } from "../common/ssh";

const HOST_KEY = "/etc/ssh/ssh_host_ed25519_key";

/** Read before Debian's own settings, and of each keyword the first value counts (sshd_config(5)). */
const SSHD_DROP_IN = "/etc/ssh/sshd_config.d/10-intranet.conf";

/** The server is a jump host, and its SSH service is for that and for commands. */
function renderSshdDropIn(jumpTo: readonly string[]): string {
  return lines(
    `# ${MADE_BY}`,
    "AllowTcpForwarding local",
    `PermitOpen ${jumpTo.length > 0 ? jumpTo.join(" ") : "none"}`,
    "AllowAgentForwarding no",
    "AllowStreamLocalForwarding no",
    "PermitTunnel no",
    "GatewayPorts no",
    "X11Forwarding no",
  );
}

/** sshd is asked for its key, which has to be the one in the file: it reads a new one a moment after the reload. */
const SHOWS_KEY = [
  'shown=$(ssh-keyscan -T 5 -t ed25519 127.0.0.1 2>/dev/null | sed -n "s/^127.0.0.1 //p")',
  '[ "$shown" = "$(cut -d " " -f 1,2 "$1")" ] || { echo "sshd shows: $shown"; exit 1; }',
].join("\n");

/**
 * Gives the server its SSH host key in place of the one from its user data, and says who may log in. Both are kept only
 * when a new connection sees that key and gets in.
 */
export function sshRole(args: {
  hostKey: { publicKey: pulumi.Input<string>; privateKey: pulumi.Input<string> };
  /** What a new server shows. */
  firstKey: pulumi.Input<string>;
  sshPublicKeys: readonly string[];
  /** Where connections may go on to: see {@link SinkholeArgs.jumpTo}; `none`: nowhere. */
  jumpTo: readonly string[];
}): RoleContent {
  return {
    role: "sinkhole-ssh",
    packages: ["openssh-server"],
    directories: { "/root/.ssh": { mode: "0700" } },
    files: {
      [HOST_KEY]: { content: "{{host_key}}", secrets: { host_key: args.hostKey.privateKey } },
      [`${HOST_KEY}.pub`]: { content: "{{host_key}}\n", values: { host_key: args.hostKey.publicKey } },
      [SSHD_DROP_IN]: { content: renderSshdDropIn(args.jumpTo) },
      "/root/.ssh/authorized_keys": { content: renderAuthorizedKeys(args.sshPublicKeys), mode: "0600" },
    },
    units: { "ssh.service": { reloadOn: [HOST_KEY, SSHD_DROP_IN] } },
    checks: [
      {
        command: [...SSHD_READS, "/etc/ssh/sshd_config", { staged: HOST_KEY }],
        description: "sshd reads the host key",
      },
      {
        command: [...SSHD_READS, { staged: SSHD_DROP_IN }, { staged: HOST_KEY }],
        description: "sshd reads what connections may be used for",
      },
    ],
    probes: [{ command: ["sh", "-c", SHOWS_KEY, "probe", `${HOST_KEY}.pub`], description: "sshd shows the host key" }],
    confirm: true,
    installsHostKey: { first: [args.firstKey] },
  };
}
