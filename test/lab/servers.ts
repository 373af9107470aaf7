/** Servers that tests order from the lab's Hetzner API by themselves, beside those of a stack. */
import { KEY_LABELS } from "../../lab/constants";
import { deriveSshKey } from "../../lab/keys";
import { until } from "./intranet";
import { hetzner } from "./lifted";
import { exec, status } from "./support";

/** Many that boot at the same time take long. */
const BOOT_SECONDS = 300;

/** A server that has booted. */
export interface TestServer {
  id: number;
  ipv4: string;
  ipv6: string;
  /** The firewall in front of it; absent when none was asked for. */
  firewallId?: number;
}

/** One that the operator manages. */
export interface ManagedServer extends TestServer {
  name: string;
  /** Its host key in OpenSSH form. */
  hostKey: string;
}

/**
 * Orders a server, with a firewall of those rules in front of it if any are given, and waits until it has booted.
 * `sshKeys` are names of the project's SSH keys that get into it.
 */
export async function makeServer(name: string, firewall?: unknown[], sshKeys: string[] = []): Promise<TestServer> {
  const firewalls = firewall
    ? [{ firewall: (await hetzner("/firewalls", "POST", { name: `${name}-fw`, rules: firewall })).firewall.id }]
    : [];
  const { server } = await hetzner("/servers", "POST", {
    name,
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    firewalls,
    ssh_keys: sshKeys,
  });
  const { ipv6 } = await until(
    `${name} has booted`,
    async () => (await status()).hosts.find((host) => host.name === name && host.state === "running"),
    BOOT_SECONDS,
  );
  return {
    id: server.id,
    ipv4: server.public_net.ipv4.ip,
    ipv6: ipv6!,
    ...(firewalls[0] ? { firewallId: firewalls[0].firewall } : {}),
  };
}

/**
 * Orders so many servers, into which the operator gets as root, and looks up their host keys at their consoles. A few
 * at a time: they share a machine.
 */
export async function makeManagedServers(count: number, prefix: string): Promise<ManagedServer[]> {
  const key = `${prefix}-operator`;
  await hetzner("/ssh_keys", "POST", { name: key, public_key: deriveSshKey(KEY_LABELS.operator).publicKey });
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
  return fewAtATime(names, async (name) => {
    const server = await makeServer(name, undefined, [key]);
    const hostKey = await until(
      `${name} has its host key`,
      async () => (await exec(name, ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"])).stdout.trim() || undefined,
      BOOT_SECONDS,
    );
    return { ...server, name, hostKey };
  });
}

/** Deletes what makeManagedServers has made. */
export async function removeManagedServers(count: number, prefix: string): Promise<void> {
  await fewAtATime(
    Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`),
    removeServer,
  );
  for (const { id } of (await hetzner(`/ssh_keys?name=${prefix}-operator`)).ssh_keys)
    await hetzner(`/ssh_keys/${id}`, "DELETE");
}

/** Does something with each item, four at a time; results in the items' order. */
async function fewAtATime<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  const left = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return results;
}

/** Deletes a server and its firewall, if they are there. */
export async function removeServer(name: string): Promise<void> {
  for (const server of (await hetzner(`/servers?name=${name}`)).servers)
    await hetzner(`/servers/${server.id}`, "DELETE");
  await until(`${name} is gone`, async () => (await hetzner(`/servers?name=${name}`)).servers.length === 0, 20);
  for (const firewall of (await hetzner(`/firewalls?name=${name}-fw`)).firewalls)
    await hetzner(`/firewalls/${firewall.id}`, "DELETE");
}
