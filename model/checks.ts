/**
 * The rules for single values: domain, prefixes, ports, MTUs, keys. Each notes what is wrong and returns what is
 * usable.
 */
import { Issues, show } from "./errors";
import { HUB_UNDERLAY_MTU, MIN_TUNNEL_MTU, TUNNEL_OVERHEAD } from "./constants";
import { checkKeyVersion, parseOpenSshPublicKey } from "./key";
import { isDomain, isLabel, isUserName } from "./name";
import {
  containsAddress,
  containsPrefix,
  formatPrefix,
  overlaps,
  parseAddress,
  parsePrefix,
  sizeOf,
  type Address,
  type Family,
  type Prefix,
} from "./prefix";
import type { HostSpec, ManagementSpec, SiteSpec } from "./spec";

const PRIVATE_V4 = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].map((text) => parsePrefix(text)!);
const PRIVATE_V6 = parsePrefix("fc00::/7")!;
const GLOBAL_V6 = parsePrefix("2000::/3")!;
const ROUTER_DEFAULTS = ["192.168.0.0/24", "192.168.1.0/24", "192.168.178.0/24"].map((text) => parsePrefix(text)!);

/** Notes a domain that is none. */
export function checkDomain(domain: string, path: string, issues: Issues): void {
  if (isDomain(domain)) return;
  const help = domain.endsWith(".")
    ? "leave the trailing dot out"
    : /[A-Z]/.test(domain)
      ? "write it in lower case"
      : "write it like intranet.example.net; other alphabets in Punycode";
  issues.add(
    path,
    "must be a domain of two or more labels of a-z, 0-9 and inner hyphens, at most 253 characters",
    [show(domain)],
    help,
  );
}

/** Notes a name that is no DNS label. */
export function checkLabel(name: string, path: string, issues: Issues): void {
  if (isLabel(name)) return;
  issues.add(
    path,
    "a name must be one DNS label: a-z, 0-9 and inner hyphens, at most 63 characters",
    [show(name)],
    "rename it",
  );
}

/** Notes a number that is no TCP or UDP port (1 to 65535). */
export function checkPort(port: number, path: string, issues: Issues): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return;
  issues.add(
    path,
    "a port must be a whole number from 1 to 65535",
    [show(port)],
    "give the port that the program listens on",
  );
}

/** Notes an MTU below which the tunnel could not carry IPv6, or above what Ethernet offers. */
export function checkUnderlayMtu(mtu: number, path: string, issues: Issues): void {
  const least = MIN_TUNNEL_MTU + TUNNEL_OVERHEAD;
  if (Number.isInteger(mtu) && mtu >= least && mtu <= 9000) return;
  const rule = `an MTU must be from ${least} (${MIN_TUNNEL_MTU} for IPv6 and ${TUNNEL_OVERHEAD} for the tunnel) to 9000 bytes`;
  issues.add(path, rule, [show(mtu)], `leave it out, or measure it: ${HUB_UNDERLAY_MTU} on Ethernet, 1492 on PPPoE`);
}

/** Reads a prefix, of one family where that is asked for; notes what is wrong. */
export function checkPrefix(text: string, path: string, issues: Issues, family?: Family): Prefix | undefined {
  const prefix = parsePrefix(text);
  if (prefix && (family === undefined || prefix.family === family)) return prefix;
  const wanted = family === undefined ? "an IP prefix" : `an IPv${family} prefix`;
  issues.add(
    path,
    `must be ${wanted} in CIDR notation with no bits set after its length`,
    [show(text)],
    prefixHelp(text, family),
  );
  return undefined;
}

function prefixHelp(text: string, family?: Family): string {
  const [head, length] = text.split("/");
  const address = parseAddress(head ?? "");
  if (address && (family === undefined || address.family === family)) {
    if (length === undefined) return `for this one address write ${text}/${address.family === 4 ? 32 : 128}`;
    const bits = address.family === 4 ? 32 : 128;
    if (/^\d+$/.test(length) && Number(length) <= bits) {
      const mask = (1n << BigInt(bits - Number(length))) - 1n;
      return `write ${formatPrefix({ family: address.family, base: address.value & ~mask, length: Number(length) })}`;
    }
  }
  return `write it like ${family === 6 ? "fd12:3456:789a::/48" : "10.20.0.0/24"}`;
}

/** What programs that are found on such hosts use by themselves. */
const TAKEN = Object.entries({
  "172.17.0.0/16": "Docker's default bridge",
  "10.88.0.0/16": "Podman's default network",
  "192.168.122.0/24": "libvirt's default network",
  "100.64.0.0/10": "Tailscale's addresses, and those of providers that share addresses (RFC 6598)",
}).map(([text, whose]) => ({ prefix: parsePrefix(text)!, whose }));

/**
 * Reads the IPv4 space: private, of length 8 to 24; a warning where programs of hosts and providers have a part of it.
 */
export function checkSpaceV4(text: string, issues: Issues, warnings: Issues): Prefix | undefined {
  const prefix = checkPrefix(text, "space.v4", issues, 4);
  if (!prefix) return undefined;
  if (prefix.length < 8 || prefix.length > 24) {
    issues.add(
      "space.v4",
      "the space must have a length from 8 to 24",
      [show(text)],
      "10.16.0.0/12 leaves room for everything",
    );
    return undefined;
  }
  if (!PRIVATE_V4.some((range) => containsPrefix(range, prefix))) {
    issues.add(
      "space.v4",
      "the space must be private (RFC 1918 or RFC 6598), else a part of the Internet would be routed into the tunnels",
      [show(text)],
      "choose one inside 10.0.0.0/8",
    );
  }
  for (const { prefix: taken, whose } of TAKEN.filter((one) => overlaps(one.prefix, prefix)))
    warnings.add(
      "space.v4",
      `holds ${whose}: a host that has these reaches its own there, and nothing of the intranet`,
      [show(text), formatPrefix(taken)],
      "choose another space, for example 10.16.0.0/12, or give that program another prefix",
    );
  return prefix;
}

/** Reads the IPv6 space: unique local or global, of length 32 to 60. */
export function checkSpaceV6(text: string, issues: Issues): Prefix | undefined {
  const prefix = checkPrefix(text, "space.v6", issues, 6);
  if (!prefix) return undefined;
  if (prefix.length < 32 || prefix.length > 60) {
    issues.add(
      "space.v6",
      "the space must have a length from 32 to 60",
      [show(text)],
      "leave it out, and a unique local /48 is made",
    );
    return undefined;
  }
  if (!containsPrefix(PRIVATE_V6, prefix) && !containsPrefix(GLOBAL_V6, prefix)) {
    issues.add(
      "space.v6",
      "the space must be unique local (fc00::/7) or global unicast (2000::/3)",
      [show(text)],
      "leave it out, and a unique local /48 is made",
    );
  }
  return prefix;
}

/** Reads a pool: in the space, and large enough. */
export function checkPool(text: string, path: string, space: Prefix | undefined, issues: Issues): Prefix | undefined {
  const prefix = checkPrefix(text, path, issues, 4);
  if (!prefix) return undefined;
  if (prefix.length > 29)
    issues.add(
      path,
      "a pool must hold at least 8 addresses (/29)",
      [show(text)],
      "give a shorter length, or leave it out",
    );
  if (space && !containsPrefix(space, prefix)) {
    issues.add(
      path,
      "a pool must lie inside the space",
      [show(text), `space.v4 "${formatPrefix(space)}"`],
      "leave it out, or choose one inside the space",
    );
  }
  return prefix;
}

/**
 * Reads a LAN's prefix: in the space, and neither a single address nor half of the Internet. One of which only the host
 * takes part may also lie beside the space: nobody else hears of it.
 */
export function checkLan(
  text: string,
  path: string,
  { space, router }: { space: { v4?: Prefix; v6?: Prefix }; router: SiteSpec["router"] },
  issues: Issues,
  warnings: Issues,
): Prefix | undefined {
  const prefix = checkPrefix(text, path, issues);
  if (!prefix) return undefined;
  const around = prefix.family === 4 ? space.v4 : space.v6;
  if (sizeOf(prefix) < 4n)
    issues.add(path, "a LAN must hold at least four addresses", [show(text)], "give the prefix of the whole LAN");
  if (around && router === "host-only" && !overlaps(around, prefix)) return prefix;
  if (around && !containsPrefix(around, prefix)) {
    const help =
      "give the site a prefix of the space, or choose a space that holds all sites; beside it only with `router: host-only`";
    issues.add(
      path,
      "a LAN must lie inside the space",
      [show(text), `space.v${prefix.family} "${formatPrefix(around)}"`],
      help,
    );
  }
  const usual = ROUTER_DEFAULTS.find((range) => overlaps(range, prefix));
  if (usual) {
    const help = "renumber the LAN, for example to 10.20.0.0/24";
    warnings.add(
      path,
      "is what home routers come with: a device in a café that uses the same prefix does not reach this site",
      [show(text), formatPrefix(usual)],
      help,
    );
  }
  return prefix;
}

/** Checks a managed host by itself, and returns its address. */
export function checkHost(host: HostSpec, path: string, issues: Issues): Address | undefined {
  const address = parseAddress(host.address);
  if (!address)
    issues.add(
      `${path}.address`,
      "must be an IPv4 or IPv6 address",
      [show(host.address)],
      "write it like 10.20.0.10, not as a name",
    );
  if (host.port !== undefined) checkPort(host.port, `${path}.port`, issues);
  if (host.user !== undefined && !isUserName(host.user))
    issues.add(`${path}.user`, "must be an account's name", [show(host.user)], "write it like root or admin");
  if (host.enrol) checkEnrolled(host, path, issues);
  else checkHostKeys(host.hostKeys ?? [], `${path}.hostKeys`, issues);
  if (host.hostKeyVersion !== undefined) checkHostKeyVersion(host.hostKeyVersion, host, path, issues);
  return address;
}

function checkEnrolled(host: HostSpec, path: string, issues: Issues): void {
  if (host.hostKeys === undefined) return;
  const values = ["enrol true", `${host.hostKeys.length} host keys`];
  const help = "leave hostKeys out; or leave enrol out, for a host that you reach";
  issues.add(`${path}.hostKeys`, "an enrolled host's key is made by the library", values, help);
}

function checkHostKeyVersion(version: number, host: HostSpec, path: string, issues: Issues): void {
  checkKeyVersion(version, `${path}.hostKeyVersion`, issues);
  if (host.enrol) return;
  const help =
    "leave it out; pin both keys in hostKeys, change the key on the host, then take the old one out of hostKeys";
  issues.add(`${path}.hostKeyVersion`, "this host's own SSH service has a key of its owner's", [show(version)], help);
}

function checkHostKeys(keys: readonly string[], path: string, issues: Issues): void {
  if (keys.length === 0) {
    issues.add(
      path,
      "at least one SSH host key must be pinned",
      ["an empty list"],
      "on the host: cat /etc/ssh/ssh_host_ed25519_key.pub; for a host that you do not reach: enrol: true",
    );
  }
  keys.forEach((key, index) => checkSshKey(key, `${path}[${index}]`, issues));
}

/** Notes what is no OpenSSH public key; a private one is never shown. */
export function checkSshKey(key: string, path: string, issues: Issues): void {
  if (parseOpenSshPublicKey(key)) return;
  const isPrivate = key.includes("PRIVATE KEY");
  const help = isPrivate
    ? "this is a PRIVATE key: take the file that ends in .pub, and make a new pair if this one was published"
    : "write it as in a .pub file: ssh-ed25519 AAAA… comment";
  issues.add(path, "must be an OpenSSH public key on one line", [isPrivate ? "a private key" : show(key)], help);
}

/** Checks that an address is one that a host can have in one of the site's prefixes. */
export function checkHostInLan(
  address: Address,
  text: string,
  path: string,
  lan: readonly Prefix[],
  issues: Issues,
): void {
  const home = lan.find((prefix) => containsAddress(prefix, address));
  if (!home) {
    const values = [show(text), `lan ${lan.map((prefix) => `"${formatPrefix(prefix)}"`).join(", ")}`];
    issues.add(
      path,
      "the host's address must lie inside one of its site's LAN prefixes",
      values,
      "correct the address, or add the LAN that it is in",
    );
    return;
  }
  const last = home.base + sizeOf(home) - 1n;
  if (home.family === 4 && (address.value === home.base || address.value === last)) {
    issues.add(
      path,
      "the first and the last address of a LAN belong to no host",
      [show(text), `"${formatPrefix(home)}"`],
      "give the host's own address",
    );
  }
}

/** Checks who may log in from outside; `path` is that of the list. */
export function checkManagement(management: ManagementSpec, path: string, issues: Issues, warnings: Issues): void {
  if (management.from.length === 0) {
    issues.add(
      path,
      "somebody must be able to log in to set the sinkhole up",
      ["an empty list"],
      "give your own public prefixes, for example 198.51.100.7/32",
    );
  }
  management.from.forEach((text, index) => {
    const prefix = checkPrefix(text, `${path}[${index}]`, issues);
    if (prefix?.length === 0)
      warnings.add(
        `${path}[${index}]`,
        "lets the whole Internet try to log in by SSH",
        [show(text)],
        "give your own public prefixes",
      );
  });
}
