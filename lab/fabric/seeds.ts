/** What stands on the disk of a host that no cloud makes, before anybody manages it. */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import {
  BLOG_PORT,
  FORUM_PORT,
  GATEWAY,
  KEY_LABELS,
  MAIL_PORT,
  NEXTCLOUD_PORT,
  PEER_PORT,
  SERVICES,
  SITES,
  type FixedHost,
} from "../constants";
import { deriveSshKey } from "../keys";
import { labFile } from "../paths";

/** A file of a seed: its content, or content and mode (default 0644). */
export type SeedFile = string | { content: string; mode: number };

/** A machine-id(5) that follows from `label`. */
export function machineId(label: string): string {
  return createHash("sha256").update(`machine ${label}`).digest("hex").slice(0, 32);
}

/** systemd.network(5) of a host with fixed addresses, on a LAN or directly on the Internet. */
export function networkFile(host: FixedHost): string {
  const site = SITES.find(({ name }) => name === host.site);
  const route = (gateway: string): string => `\n[Route]\nGateway=${gateway}\nGatewayOnLink=yes\n`;
  if (host.ipv6 === undefined)
    return `[Match]\nName=eth0\n\n[Network]\nLinkLocalAddressing=no\nAddress=${host.ipv4}/32\nDNS=${SERVICES.resolver.ipv4}\n${route(GATEWAY.ipv4)}`;
  const dns = `DNS=${SERVICES.resolver.ipv4}\nDNS=${SERVICES.resolver.ipv6}\n`;
  if (site) {
    const gateway = host.gateway ?? { ipv4: site.lan.ipv4Gateway, ipv6: site.lan.ipv6Gateway };
    return `[Match]\nName=eth0\n\n[Network]\nIPv6AcceptRA=no\nAddress=${host.ipv4}/24\nAddress=${host.ipv6}/64\nGateway=${gateway.ipv4}\nGateway=${gateway.ipv6}\n${dns}`;
  }
  return `[Match]\nName=eth0\n\n[Network]\nIPv6AcceptRA=no\nAddress=${host.ipv4}/32\nAddress=${host.ipv6}/128\n${dns}${route(GATEWAY.ipv4)}${route(GATEWAY.ipv6)}`;
}

/** The unit of one of the small Python services. */
function serviceUnit(description: string, command: string): string {
  return `[Unit]
Description=${description}
After=network.target

[Service]
ExecStart=${command}
DynamicUser=yes
Restart=on-failure

[Install]
WantedBy=multi-user.target
`;
}

/** The raw TCP service that tells who connects, under a name and a port. */
function peerFiles(name: string, port: number): Record<string, SeedFile> {
  return {
    "usr/local/lib/peer.py": readFileSync(labFile("files/peer.py"), "utf8"),
    [`etc/systemd/system/${name}.service`]: serviceUnit(
      "Says who connects",
      `/usr/bin/python3 -u /usr/local/lib/peer.py ${port}`,
    ),
  };
}

/** A web application under that name, on the host's loopback alone. */
function applicationFiles(name: string, port: number): Record<string, SeedFile> {
  const program = `srv/${name}/app.py`;
  return {
    [program]: readFileSync(labFile("files/application.py"), "utf8"),
    [`etc/systemd/system/${name}.service`]: serviceUnit(
      name,
      `/usr/bin/python3 -u /${program} ${name} 127.0.0.1 ${port}`,
    ),
  };
}

/** A host key of its own, as Debian's package makes one where it is installed; no cloud is asked for anything. */
function hostKeyFiles(host: FixedHost): Record<string, SeedFile> {
  const key = deriveSshKey(`${host.name} host key`, `root@${host.name}`);
  return {
    "etc/cloud/cloud-init.disabled": "",
    "etc/ssh/ssh_host_ed25519_key": { content: key.privateKey, mode: 0o600 },
    "etc/ssh/ssh_host_ed25519_key.pub": `${key.publicKey} root@${host.name}\n`,
  };
}

/**
 * `home` as its owner set it up: applications, a packet filter and settings of its own, all of which must survive us.
 */
function homeFiles(): Record<string, SeedFile> {
  const operator = deriveSshKey(KEY_LABELS.operator, "operator@lab");
  return {
    "etc/ssh/sshd_config.d/10-own.conf": "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\n",
    "root/.ssh/authorized_keys": { content: `${operator.publicKey} operator@lab\n`, mode: 0o600 },
    "root/notes.txt": "Backup disk is in the drawer. Router password: on the sticker.\n",
    ...applicationFiles("nextcloud", NEXTCLOUD_PORT),
    ...applicationFiles("blog", BLOG_PORT),
    ...peerFiles("peer", PEER_PORT),
    "etc/nftables.conf":
      "#!/usr/sbin/nft -f\n# The owner's own: counts what comes in, drops nothing.\nflush ruleset\n\ntable inet own {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tcounter\n\t}\n}\n",
    "etc/sysctl.d/99-own.conf": "# The owner's own\nnet.core.somaxconn = 1024\n",
  };
}

/**
 * Files of an unmanaged device: openresolv owns resolv.conf, since wg-quick's `DNS =` goes through it. The network's
 * resolvers are given to it as a DHCP client would, for eth0, so that a tunnel's can take their place.
 */
function deviceFiles(host: FixedHost): Record<string, SeedFile> {
  const { ipv4, ipv6 } = SERVICES.resolver;
  const servers = [ipv4, ...(host.ipv6 ? [ipv6] : [])].map((server) => `nameserver ${server}\n`).join("");
  return {
    "etc/network-resolvers": servers,
    "etc/resolv.conf": servers,
    "etc/systemd/system/network-resolvers.service": `[Unit]
Description=Resolvers that the network gave
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target

[Service]
Type=oneshot
StandardInput=file:/etc/network-resolvers
ExecStart=/usr/sbin/resolvconf -a eth0

[Install]
WantedBy=sysinit.target
`,
  };
}

/** All files of a fixed host's seed, by path without the leading slash. */
export function seedFiles(host: FixedHost): Record<string, SeedFile> {
  return {
    "etc/hostname": `${host.name}\n`,
    "etc/machine-id": `${machineId(host.name)}\n`,
    "etc/hosts": `127.0.0.1\tlocalhost\n127.0.1.1\t${host.name}\n::1\tlocalhost ip6-localhost ip6-loopback\n`,
    "etc/systemd/network/10-lan.network": networkFile(host),
    ...(host.managed ? hostKeyFiles(host) : {}),
    ...(host.name === "home" ? homeFiles() : {}),
    ...(host.name === "office" ? { ...peerFiles("mail", MAIL_PORT), ...applicationFiles("forum", FORUM_PORT) } : {}),
    ...(host.image === "device" ? deviceFiles(host) : {}),
  };
}

/** Writes files below `root`, parents included; what is there is replaced. */
export function writeFiles(root: string, files: Record<string, SeedFile>): void {
  for (const [name, file] of Object.entries(files)) {
    const target = path.join(root, name);
    const { content, mode } = typeof file === "string" ? { content: file, mode: 0o644 } : file;
    mkdirSync(path.dirname(target), { recursive: true, ...(name.includes("/.ssh/") ? { mode: 0o700 } : {}) });
    rmSync(target, { force: true });
    writeFileSync(target, content, { mode });
    chmodSync(target, mode);
  }
}

/** The services that run on a host before anybody manages it. */
const SERVICE_UNITS: Partial<Record<string, readonly string[]>> = {
  home: ["nextcloud.service", "blog.service", "peer.service"],
  office: ["mail.service", "forum.service"],
};

/** Seeds the disk of a fixed host. */
export function seedFixedHost(root: string, host: FixedHost): void {
  writeFiles(root, seedFiles(host));
  const enabled = [
    ...(SERVICE_UNITS[host.name] ?? []).map((unit) => `multi-user.target.wants/${unit}`),
    ...(host.image === "device" ? ["sysinit.target.wants/network-resolvers.service"] : []),
  ];
  for (const link of enabled) {
    const file = path.join(root, "etc/systemd/system", link);
    mkdirSync(path.dirname(file), { recursive: true });
    symlinkSync(`/etc/systemd/system/${path.basename(link)}`, file);
  }
}
