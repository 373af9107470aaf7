/** Files of the SSH service by which an enrolled host is reached, beside the host's own. Pure. */
import { familyOf, lines, MADE_BY } from "../common/text";

const FOLDER = "/etc/intranet/ssh";
/** sshd's configuration. */
export const SSHD_CONFIG = `${FOLDER}/sshd_config`;
/** The host key that the library made. */
export const HOST_KEY = `${FOLDER}/host_key`;
/** The operator's keys. */
export const AUTHORIZED_KEYS = `${FOLDER}/authorized_keys`;
/** Listens on the identity. */
export const SSH_SOCKET = "intranet-ssh.socket";
/** Serves one connection. */
export const SSH_SERVICE = "intranet-ssh@.service";

/**
 * sshd_config(5) of a service of its own: root by the operator's keys and nothing else. The host's own service is left
 * as it is: sshd shows only one key of a type, and the owner's rules (AllowUsers, ListenAddress …) are not ours to
 * change. Dead sessions end after 45 s, such as the one by which the tunnel itself was taken away.
 */
export function renderSshdConfig(): string {
  return lines(
    `# ${MADE_BY}`,
    `HostKey ${HOST_KEY}`,
    `AuthorizedKeysFile ${AUTHORIZED_KEYS}`,
    "AllowUsers root",
    "PermitRootLogin prohibit-password",
    "AuthenticationMethods publickey",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM yes",
    "DisableForwarding yes",
    "PrintMotd no",
    "ClientAliveInterval 15",
    "ClientAliveCountMax 3",
  );
}

/** The socket. It also listens while the identity is not there yet (FreeBind). */
export function renderSocket(address: string, port: number): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=SSH for the intranet's operator",
    "",
    "[Socket]",
    `ListenStream=${familyOf(address) === 6 ? `[${address}]` : address}:${port}`,
    "FreeBind=yes",
    "Accept=yes",
    "",
    "[Install]",
    "WantedBy=sockets.target",
  );
}

/**
 * One connection, as Debian's own sshd@.service does it; it ends with the socket. Its end does not end what it started.
 */
export function renderService(): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=SSH for the intranet's operator, one connection",
    `StopPropagatedFrom=${SSH_SOCKET}`,
    "",
    "[Service]",
    `ExecStart=-/usr/sbin/sshd -i -f ${SSHD_CONFIG}`,
    "StandardInput=socket",
    "RuntimeDirectory=sshd",
    "RuntimeDirectoryMode=0755",
    "RuntimeDirectoryPreserve=yes",
    "KillMode=process",
  );
}
