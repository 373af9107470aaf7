/** What the server is given for its first boot. Pure. */

/** The host key that the server is to show on its first connections. */
export interface HostKeyPair {
  /** In OpenSSH's format, `-----BEGIN OPENSSH PRIVATE KEY-----` … Secret. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…` */
  readonly publicKey: string;
}

/**
 * sed's expression (POSIX, extended) that makes the server's own IPv6 address one of length 128, in any of the forms
 * that cloud-init writes the network's configuration in. With Hetzner's 64 the whole network would be on the server's
 * link, and an unused address of it be asked for there.
 */
export const OWN_ADDRESS_ONLY = String.raw`s#(:[0-9A-Fa-f:]*::1)/64([^0-9]|$)#\1/128\2#`;

/**
 * The same for the files of each form, and for the running server: no connection stands there yet. A constant script;
 * the expression is its argument.
 */
const TAKE_OVER_NETWORK = `set -eu
for file in /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init /etc/systemd/network/10-cloud-init-*.network; do
  [ ! -f "$file" ] || sed -E -i "$1" "$file"
done
[ ! -x /usr/sbin/netplan ] || netplan generate
ip -6 -oneline address show scope global | while read -r _ device _ address _; do
  case $address in
  *::1/64)
    ip -6 address del "$address" dev "$device"
    ip -6 address add "\${address%/64}/128" dev "$device" nodad
    ;;
  esac
done
`;

/**
 * cloud-init's user data: the host key made by the library and no other, no passwords, and the first address of the
 * server's IPv6 network alone instead of all of them; cloud-init leaves the network alone from then on, or it would
 * bring the rest back. JSON, which YAML contains, so that nothing needs quoting by hand. It must stay the same for the
 * life of the server: Hetzner replaces a server whose user data changes, so everything that may change is a role on the
 * host instead.
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
    bootcmd: [["cloud-init-per", "once", "intranet-network", "sh", "-c", TAKE_OVER_NETWORK, "sh", OWN_ADDRESS_ONLY]],
    write_files: [
      {
        path: "/etc/cloud/cloud.cfg.d/99-intranet-network.cfg",
        content: "network: {config: disabled}\n",
        permissions: "0644",
      },
    ],
  };
  return `#cloud-config\n${JSON.stringify(config, undefined, 2)}\n`;
}

/**
 * Waits until cloud-init has done its work. Exit code 2 means "done, with warnings" (cloud-init 23.4 and later), which
 * is done. A constant script: nothing is put into it.
 */
export const WAIT_FOR_FIRST_BOOT = "cloud-init status --wait >/dev/null || [ $? -eq 2 ]";
