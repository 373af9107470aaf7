import type { RoleInputs } from "./inputs";

/**
 * Paths that decide who gets in and how packets find the host: SSH and logins, packet filters, tunnels, networks,
 * routing.
 */
const PATHS = [
  /^\/etc\/(ssh|intranet\/ssh|pam\.d|security|sudoers(\.d)?|nsswitch\.conf|passwd|shadow|group|hosts\.(allow|deny))(\/|$)/,
  /\/\.ssh(\/|$)/,
  /^\/etc\/(nftables(\.conf|\.d)?|iptables|ufw|firewalld|fail2ban)(\/|$)|\.nft$/,
  /^\/etc\/intranet\/(policy-route|site-prefix|uplink)$/,
  /^\/etc\/(wireguard|openvpn|ipsec\.(conf|d)|swanctl)(\/|$)/,
  /^\/etc\/(network|netplan|NetworkManager|systemd\/network|systemd\/networkd\.conf(\.d)?|iproute2|dhcpcd\.conf)(\/|$)/,
  /^\/etc\/(bird|frr|quagga)(\/|\.conf$|$)/,
];

/** Units of the same. */
const UNITS =
  /^(ssh|sshd|.*-ssh|nftables|iptables|netfilter-persistent|ufw|firewalld|fail2ban|networking|systemd-networkd|NetworkManager|bird|frr|(wg-quick|openvpn|ssh|sshd|ifup)@.*)\.(service|socket)$/;

/** Kernel settings of the network's own layers. */
/** But for whether programs may listen at addresses that are not there yet, which closes no way. */
const SYSCTLS = /^net[./](ipv4|ipv6|bridge|netfilter)[./](?!ip_nonlocal_bind$)/;

/**
 * What of a role could cut the way by which its host is reached, in a few words; undefined: nothing that is known to.
 * Such a role is confirmed over a new connection unless it says itself whether it is to be.
 */
export function touchesWayIn(
  inputs: Partial<
    Pick<RoleInputs, "connection" | "files" | "links" | "absent" | "directories" | "sysctls" | "units" | "users">
  >,
): string | undefined {
  const paths = [inputs.files, inputs.links, inputs.directories].flatMap((part) => Object.keys(part ?? {}));
  const path = [...paths, ...(inputs.absent ?? [])].find((name) => PATHS.some((pattern) => pattern.test(name)));
  if (path !== undefined) return `path ${path}`;
  const unit = Object.keys(inputs.units ?? {}).find((name) => UNITS.test(name));
  if (unit !== undefined) return `unit ${unit}`;
  const key = Object.keys(inputs.sysctls ?? {}).find((name) => SYSCTLS.test(name));
  if (key !== undefined) return `sysctl ${key}`;
  const login = Object.keys(inputs.users ?? {}).find((name) => name === "root" || name === inputs.connection?.user);
  return login === undefined ? undefined : `user ${login}`;
}
