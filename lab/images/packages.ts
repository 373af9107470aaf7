/**
 * What the lab's hosts are made of, and what they can install. One list for each purpose; adding a package is one line.
 */

/** Debian packages that the lab itself needs on the machine it runs on. */
export const MACHINE_PACKAGES: readonly string[] = [
  "apt-utils",
  "bind9",
  "bind9-dnsutils",
  "bind9-utils",
  "debian-archive-keyring",
  "gpg",
  "gpg-agent",
  "iproute2",
  "mmdebstrap",
  "nftables",
  "openssh-client",
  "pebble",
  "procps",
  "python3",
  "systemd-container",
  "tcpdump",
  "util-linux",
];

/** Every host: systemd and what one needs to look around. */
const COMMON: readonly string[] = [
  "ca-certificates",
  "dbus",
  "iproute2",
  "iputils-ping",
  "less",
  "procps",
  "python3",
  "systemd",
  "systemd-sysv",
  "udev",
  // The kernel below the lab may lack WireGuard; wg-quick then takes this.
  "wireguard-go",
];

/**
 * Managed hosts: what a cloud's Debian image has (nftables has priority "important" in Debian), and nothing else that
 * the product installs.
 */
export const SERVER_PACKAGES: readonly string[] = [
  ...COMMON,
  "cloud-init",
  "curl",
  "netplan.io",
  "nftables",
  "openssh-server",
  "systemd-resolved",
];

/** Unmanaged hosts: a device of somebody, with tools to look at the network. */
export const DEVICE_PACKAGES: readonly string[] = [
  ...COMMON,
  "bind9-dnsutils",
  "curl",
  "netcat-openbsd",
  "nftables",
  "openresolv",
  "openssh-client",
  "openssl",
  "tcpdump",
  "traceroute",
  "wireguard-tools",
];

/** What managed hosts can install inside the lab; each with everything it depends on or recommends. */
export const REPOSITORY_PACKAGES: readonly string[] = [
  "bind9",
  "bind9-dnsutils",
  "bird2",
  "caddy",
  "conntrack",
  "curl",
  "dnsmasq",
  "fail2ban",
  "iperf3",
  "jq",
  "mtr-tiny",
  "ndppd",
  "netcat-openbsd",
  "nftables",
  "nginx",
  "libnginx-mod-stream",
  "openssl",
  "python3",
  "python3-minimal",
  "qrencode",
  "radvd",
  "rsyslog",
  "socat",
  "sudo",
  "tcpdump",
  "traceroute",
  "unattended-upgrades",
  "wireguard-go",
  "wireguard-tools",
];
