/** What a new cloud server gets: cloud-init's NoCloud seed with the user data, keys, name and network of the order. */
import { existsSync } from "node:fs";
import * as path from "node:path";
import * as ipaddr from "ipaddr.js";
import { stringify } from "yaml";
import { GATEWAY, SERVICES } from "../constants";
import type { ServerSpec } from "../machines";
import { machineId, writeFiles } from "./seeds";

/**
 * The server's own address out of its /64, as the cloud configures it: `<prefix>::1`. Throws on what is no IPv6 prefix.
 */
export function firstAddress(prefix: string): string {
  const [network] = ipaddr.parseCIDR(prefix);
  if (network.kind() !== "ipv6") throw new Error(`${prefix} is no IPv6 network`);
  const bytes = network.toByteArray();
  bytes[15] = 1;
  return ipaddr.fromByteArray(bytes).toString();
}

/**
 * meta-data of the NoCloud data source. `generation` counts disks, so that a rebuilt server is a new instance to
 * cloud-init.
 */
export function metaData(spec: ServerSpec, generation: number): string {
  return stringify({
    "instance-id": `${spec.id}-${generation}`,
    "local-hostname": spec.name,
    "public-keys": spec.authorizedKeys,
  });
}

/**
 * network-config, version 2: addresses with on-link gateways, as the cloud's own configuration has them. The interface
 * is found by its name: netplan matches permanent MAC addresses, and a veth has none.
 */
export function networkConfig(spec: Pick<ServerSpec, "ipv4" | "ipv6">): { version: 2; ethernets: { eth0: unknown } } {
  const addresses: string[] = [];
  const routes: Record<string, unknown>[] = [];
  const nameservers: string[] = [];
  if (spec.ipv4) {
    addresses.push(`${spec.ipv4}/32`);
    routes.push({ to: "0.0.0.0/0", via: GATEWAY.ipv4, "on-link": true });
    nameservers.push(SERVICES.resolver.ipv4);
  }
  if (spec.ipv6) {
    addresses.push(`${firstAddress(spec.ipv6)}/64`);
    routes.push({ to: "::/0", via: GATEWAY.ipv6, "on-link": true });
    nameservers.push(SERVICES.resolver.ipv6);
  }
  const eth0 = {
    dhcp4: false,
    dhcp6: false,
    "accept-ra": false,
    addresses,
    routes,
    nameservers: { addresses: nameservers },
  };
  return { version: 2, ethernets: { eth0 } };
}

/** Seeds the disk of a server. */
export function seedServer(root: string, spec: ServerSpec, generation: number): void {
  const seed = "var/lib/cloud/seed/nocloud";
  writeFiles(root, {
    "etc/machine-id": `${machineId(`server ${spec.id} ${generation}`)}\n`,
    "etc/hostname": `${spec.name}\n`,
    [`${seed}/meta-data`]: { content: metaData(spec, generation), mode: 0o600 },
    [`${seed}/user-data`]: { content: spec.userData, mode: 0o600 },
    [`${seed}/network-config`]: { content: stringify(networkConfig(spec)), mode: 0o600 },
  });
}

/**
 * Writes the network of a server whose addresses have changed: in the seed, and where cloud-init put it unless somebody
 * took that away.
 */
export function reseedNetwork(root: string, spec: ServerSpec): void {
  const config = networkConfig(spec);
  const netplan = "etc/netplan/50-cloud-init.yaml";
  writeFiles(root, {
    "var/lib/cloud/seed/nocloud/network-config": { content: stringify(config), mode: 0o600 },
    ...(existsSync(path.join(root, netplan))
      ? { [netplan]: { content: stringify({ network: config }), mode: 0o600 } }
      : {}),
  });
}
