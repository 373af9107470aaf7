/** Servers that tests order from the lab's Hetzner API by themselves, beside those of a stack. */
import { until } from "./intranet";
import { hetzner } from "./lifted";
import { status } from "./support";

/** A server that has booted. */
export interface TestServer {
  id: number;
  ipv4: string;
  ipv6: string;
  /** The firewall in front of it; absent when none was asked for. */
  firewallId?: number;
}

/** Orders a server, with a firewall of those rules in front of it if any are given, and waits until it has booted. */
export async function makeServer(name: string, firewall?: unknown[]): Promise<TestServer> {
  const firewalls = firewall
    ? [{ firewall: (await hetzner("/firewalls", "POST", { name: `${name}-fw`, rules: firewall })).firewall.id }]
    : [];
  const { server } = await hetzner("/servers", "POST", {
    name,
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    firewalls,
  });
  const { ipv6 } = await until(`${name} has booted`, async () =>
    (await status()).hosts.find((host) => host.name === name && host.state === "running"),
  );
  return {
    id: server.id,
    ipv4: server.public_net.ipv4.ip,
    ipv6: ipv6!,
    ...(firewalls[0] ? { firewallId: firewalls[0].firewall } : {}),
  };
}

/** Deletes a server and its firewall, if they are there. */
export async function removeServer(name: string): Promise<void> {
  for (const server of (await hetzner(`/servers?name=${name}`)).servers)
    await hetzner(`/servers/${server.id}`, "DELETE");
  await until(`${name} is gone`, async () => (await hetzner(`/servers?name=${name}`)).servers.length === 0, 20);
  for (const firewall of (await hetzner(`/firewalls?name=${name}-fw`)).firewalls)
    await hetzner(`/firewalls/${firewall.id}`, "DELETE");
}
