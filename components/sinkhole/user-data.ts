/** What the server is given for its first boot. Pure. */

/** The host key that the server is to show on its first connections. */
export interface HostKeyPair {
  /** In OpenSSH's format, `-----BEGIN OPENSSH PRIVATE KEY-----` … Secret. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…` */
  readonly publicKey: string;
}

/**
 * cloud-init's user data: the host key made by the library and no other, no passwords. JSON, which YAML contains, so that nothing
 * needs quoting by hand. It must stay the same for the life of the server: Hetzner replaces a server whose user data changes, so
 * everything that may change is a role on the host instead.
 */
export function renderUserData(key: HostKeyPair): string {
  const config = {
    disable_root: false,
    ssh_pwauth: false,
    ssh_deletekeys: true,
    ssh_keys: {
      ed25519_private: key.privateKey.endsWith("\n") ? key.privateKey : `${key.privateKey}\n`,
      ed25519_public: key.publicKey.trim(),
    },
    package_update: false,
    package_upgrade: false,
  };
  return `#cloud-config\n${JSON.stringify(config, undefined, 2)}\n`;
}

/**
 * Waits until cloud-init has done its work. Exit code 2 means "done, with warnings" (cloud-init 23.4 and later), which is done.
 * A constant script: nothing is put into it.
 */
export const WAIT_FOR_FIRST_BOOT = "cloud-init status --wait >/dev/null || [ $? -eq 2 ]";
