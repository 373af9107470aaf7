/** What stands on the disk of a host that no cloud makes, before anybody manages it. */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { GATEWAY, KEY_LABELS, NEXTCLOUD_PORT, PEER_PORT, SERVICES, SITES, type FixedHost } from "../constants";
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
  const dns = `DNS=${SERVICES.resolver.ipv4}\nDNS=${SERVICES.resolver.ipv6}\n`;
  if (site) {
    const { lan } = site;
    return `[Match]\nName=eth0\n\n[Network]\nIPv6AcceptRA=no\nAddress=${host.ipv4}/24\nAddress=${host.ipv6}/64\nGateway=${lan.ipv4Gateway}\nGateway=${lan.ipv6Gateway}\n${dns}`;
  }
  const route = (gateway: string): string => `\n[Route]\nGateway=${gateway}\nGatewayOnLink=yes\n`;
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

/** `home` as its owner set it up: an application, a packet filter and settings of its own, all of which must survive us. */
function homeFiles(): Record<string, SeedFile> {
  const hostKey = deriveSshKey(KEY_LABELS.homeHostKey, "root@home");
  const operator = deriveSshKey(KEY_LABELS.operator, "operator@lab");
  return {
    "etc/cloud/cloud-init.disabled": "",
    "etc/ssh/ssh_host_ed25519_key": { content: hostKey.privateKey, mode: 0o600 },
    "etc/ssh/ssh_host_ed25519_key.pub": `${hostKey.publicKey} root@home\n`,
    "etc/ssh/sshd_config.d/10-own.conf": "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\n",
    "root/.ssh/authorized_keys": { content: `${operator.publicKey} operator@lab\n`, mode: 0o600 },
    "root/notes.txt": "Backup disk is in the drawer. Router password: on the sticker.\n",
    "srv/nextcloud/app.py": readFileSync(labFile("files/nextcloud.py"), "utf8"),
    "usr/local/lib/peer.py": readFileSync(labFile("files/peer.py"), "utf8"),
    "etc/systemd/system/nextcloud.service": serviceUnit(
      "nextcloud",
      `/usr/bin/python3 -u /srv/nextcloud/app.py 127.0.0.1 ${NEXTCLOUD_PORT}`,
    ),
    "etc/systemd/system/peer.service": serviceUnit(
      "Says who connects",
      `/usr/bin/python3 -u /usr/local/lib/peer.py ${PEER_PORT}`,
    ),
    "etc/nftables.conf":
      "#!/usr/sbin/nft -f\n# The owner's own: counts what comes in, drops nothing.\nflush ruleset\n\ntable inet own {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tcounter\n\t}\n}\n",
    "etc/sysctl.d/99-own.conf": "# The owner's own\nnet.core.somaxconn = 1024\n",
  };
}

/**
 * Files of an unmanaged device: openresolv owns resolv.conf, since wg-quick's `DNS =` goes through it. The network's
 * resolvers are given to it as a DHCP client would, for eth0, so that a tunnel's can take their place.
 */
function deviceFiles(): Record<string, SeedFile> {
  const servers = [SERVICES.resolver.ipv4, SERVICES.resolver.ipv6].map((server) => `nameserver ${server}\n`).join("");
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
    ...(host.name === "home" ? homeFiles() : {}),
    ...(host.image === "device" ? deviceFiles() : {}),
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

/** Seeds the disk of a fixed host. */
export function seedFixedHost(root: string, host: FixedHost): void {
  writeFiles(root, seedFiles(host));
  const enabled =
    host.name === "home"
      ? ["multi-user.target.wants/nextcloud.service", "multi-user.target.wants/peer.service"]
      : ["sysinit.target.wants/network-resolvers.service"];
  for (const link of enabled) {
    const file = path.join(root, "etc/systemd/system", link);
    mkdirSync(path.dirname(file), { recursive: true });
    symlinkSync(`/etc/systemd/system/${path.basename(link)}`, file);
  }
}
