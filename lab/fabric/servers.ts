/** The cloud's machines: hosts that exist because somebody ordered them. */
import { SITES, FIXED_HOSTS, OPERATOR } from "../constants";
import { imageDir } from "../images/image";
import type { FirewallRule, Machines, PowerState, ServerSpec } from "../machines";
import type { InstancePaths } from "../paths";
import { deliver, plugIntoInternet, unplugFromInternet, INTERNET_NS, type Uplink } from "./attachment";
import { applyFirewall } from "./firewall";
import { Host } from "./host";
import { SERVICES_NS } from "./internet";
import { macFor } from "./net";
import { RefusedError } from "./refused";
import { reseedNetwork, seedServer } from "./server-seed";
import type { ServerRecord } from "./state";
import * as path from "node:path";

/** A server is asked for that the fabric does not have. */
export class UnknownServerError extends Error {
  constructor(id: number) {
    super(`no server ${id} in the lab`);
    this.name = "UnknownServerError";
  }
}

/** Images that a server can be made from. */
export const SERVER_IMAGES: readonly string[] = ["debian-13"];

/** Names that no server can have: they are hosts or routers of the lab already. */
const TAKEN = new Set<string>([
  "lo",
  INTERNET_NS,
  SERVICES_NS,
  OPERATOR.name,
  "cafe",
  ...SITES.map(({ router }) => router),
  ...FIXED_HOSTS.map(({ name }) => name),
]);

interface Server {
  record: ServerRecord;
  host: Host;
}

/** Name of a server's namespace, control group and disk. */
function machineOf(id: number): string {
  return `s${id}`;
}

/** Name of a server's attachment: that of the server where an interface can have it, else one made of its id. */
export function attachmentOf(spec: Pick<ServerSpec, "id" | "name">): string {
  return spec.name.length <= 15 ? spec.name : machineOf(spec.id);
}

/** How a server hangs on the Internet. */
function uplinkOf({ spec, onLink }: ServerRecord): Uplink {
  const { ipv4, ipv6 } = spec;
  const id = machineOf(spec.id);
  return {
    name: attachmentOf(spec),
    namespace: id,
    ifname: "eth0",
    mac: macFor(id),
    prefixes: [...(ipv4 ? [`${ipv4}/32`] : []), ...(ipv6 ? [ipv6] : [])],
    ...(onLink ? { onLink } : {}),
  };
}

/** Implements `Machines` on hosts of the lab. */
export class Servers implements Machines {
  private readonly servers = new Map<number, Server>();

  constructor(
    private readonly paths: InstancePaths,
    /** Called after every change that a restart has to know. */
    private readonly changed: () => void,
  ) {}

  /** What has to be kept. */
  records(): ServerRecord[] {
    return [...this.servers.values()].map(({ record, host }) => ({ ...record, powered: host.on }));
  }

  /** All servers with their orders, by id. */
  list(): { record: ServerRecord; host: Host }[] {
    return [...this.servers.values()];
  }

  /** The server of that host name. */
  named(name: string): { record: ServerRecord; host: Host } | undefined {
    return this.list().find(({ record }) => record.spec.name === name);
  }

  /** Takes over servers from a kept state: their disks are there already. Those that were on are started. */
  async adopt(records: readonly ServerRecord[]): Promise<void> {
    await Promise.all(
      records.map(async (record) => {
        const host = this.makeHost(record);
        this.servers.set(record.spec.id, { record, host });
        await host.mount();
        if (record.powered) await host.boot();
      }),
    );
  }

  /** Cuts the power of all and forgets them; disks stay. */
  async release(): Promise<void> {
    await Promise.all(this.list().map(({ host }) => host.release()));
    this.servers.clear();
  }

  async createServer(spec: ServerSpec): Promise<void> {
    if (this.servers.has(spec.id)) throw new RefusedError(`server ${spec.id} (${spec.name}) exists already`);
    if (TAKEN.has(spec.name) || this.named(spec.name))
      throw new RefusedError(`server name ${spec.name}: the lab has a host of that name already; choose another`);
    if (!SERVER_IMAGES.includes(spec.image))
      throw new RefusedError(
        `server ${spec.name}: image ${spec.image} cannot be booted in the lab; there is ${SERVER_IMAGES.join(", ")}`,
      );
    const record: ServerRecord = { spec, powered: false, generation: 1 };
    const host = this.makeHost(record);
    await host.mount();
    this.servers.set(spec.id, { record, host });
    this.changed();
  }

  async startServer(id: number): Promise<void> {
    const { record, host } = this.get(id);
    await applyFirewall(attachmentOf(record.spec), record.firewall);
    await host.boot();
    this.changed();
  }

  async stopServer(id: number): Promise<void> {
    const { host } = this.get(id);
    await host.powerOff();
    this.changed();
  }

  async resetServer(id: number): Promise<void> {
    const { host } = this.get(id);
    await host.reset();
    this.changed();
  }

  async rebuildServer(id: number, image: string): Promise<void> {
    const server = this.get(id);
    const { record } = server;
    if (!SERVER_IMAGES.includes(image))
      throw new RefusedError(
        `server ${record.spec.name}: image ${image} cannot be booted in the lab; there is ${SERVER_IMAGES.join(", ")}`,
      );
    const wasOn = server.host.leader !== undefined;
    await server.host.destroy();
    record.generation += 1;
    record.spec.image = image;
    server.host = this.makeHost(record);
    await server.host.mount();
    if (wasOn) await server.host.boot();
    this.changed();
  }

  async deleteServer(id: number): Promise<void> {
    const server = this.servers.get(id);
    if (!server) return;
    await server.host.destroy();
    await applyFirewall(attachmentOf(server.record.spec), undefined);
    this.servers.delete(id);
    this.changed();
  }

  async setAddresses(id: number, ipv4: string | undefined, ipv6: string | undefined): Promise<void> {
    const { record, host } = this.get(id);
    if (host.leader !== undefined)
      throw new RefusedError(`server ${record.spec.name}: its addresses can only change while it is off`);
    const { ipv4: _ipv4, ipv6: _ipv6, ...rest } = record.spec;
    record.spec = { ...rest, ...(ipv4 ? { ipv4 } : {}), ...(ipv6 ? { ipv6 } : {}) };
    await host.mount();
    reseedNetwork(host.root, record.spec);
    this.changed();
  }

  async setFirewall(id: number, rules: FirewallRule[] | undefined): Promise<void> {
    const { record } = this.get(id);
    await applyFirewall(attachmentOf(record.spec), rules);
    if (rules) record.firewall = rules;
    else delete record.firewall;
    this.changed();
  }

  /**
   * Delivers a server's IPv6 network on-link, or routes it to the server, from now on. Throws `RefusedError` for what
   * is no server with one.
   */
  async deliver(name: string, onLink: boolean): Promise<void> {
    const record = this.named(name)?.record;
    if (!record?.spec.ipv6) throw new RefusedError(`${name} is no server of the cloud with an IPv6 network`);
    if (onLink) record.onLink = true;
    else delete record.onLink;
    await deliver(uplinkOf(record));
    this.changed();
  }

  powerState(id: number): Promise<PowerState> {
    return Promise.resolve(this.get(id).host.state);
  }

  private get(id: number): Server {
    const server = this.servers.get(id);
    if (!server) throw new UnknownServerError(id);
    return server;
  }

  private makeHost(record: ServerRecord): Host {
    const id = machineOf(record.spec.id);
    const link = attachmentOf(record.spec);
    return new Host({
      name: record.spec.name,
      id,
      instance: this.paths.cgroup,
      image: imageDir("server"),
      disk: path.join(this.paths.hosts, id),
      console: path.join(this.paths.logs, `${record.spec.name}.console`),
      plug: async () => {
        await applyFirewall(link, record.firewall);
        await plugIntoInternet(uplinkOf(record));
      },
      unplug: () => unplugFromInternet(link),
      seed: (root) => seedServer(root, record.spec, record.generation),
    });
  }
}
