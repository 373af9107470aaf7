/** The lab as a whole: the Internet, the fixed hosts, the servers, and what is done to them. */
import { RefusedError } from "./refused";
import { mkdirSync } from "node:fs";
import * as path from "node:path";
import { FIXED_HOSTS, OPERATOR, SITES, type FixedHost } from "../constants";
import { imageDir } from "../images/image";
import type { PowerState } from "../machines";
import type { InstancePaths } from "../paths";
import { INTERNET_NS, plugIntoInternet, plugIntoLan, unplugFromInternet, unplugFromLan } from "./attachment";
import { applyCuts, type Cut } from "./firewall";
import { Host } from "./host";
import { makeInternet, SERVICES_NS } from "./internet";
import { macFor } from "./net";
import { firstAddress } from "./server-seed";
import { seedFixedHost } from "./seeds";
import { attachmentOf, Servers } from "./servers";
import { SlowLines, type Slowness } from "./slow";
import { readState, writeState } from "./state";

/** A host as `status` shows it. */
export interface HostStatus {
  name: string;
  state: PowerState;
  /** `existing`: there from the beginning; `device`: unmanaged; `server`: made by the Hetzner service. */
  kind: "existing" | "device" | "server";
  /** The site on whose LAN it is; absent: directly on the Internet. */
  site?: string;
  ipv4?: string;
  ipv6?: string;
  /** Whether a stack manages it over SSH. */
  managed: boolean;
  /** Process id of its init within the lab; absent while it is off. */
  leader?: number;
  /** Name of its network namespace. */
  namespace: string;
  /** Seconds since it was switched on. */
  uptime: number;
}

/** A name that stands for no host, site or router of the lab. */
export class UnknownHostError extends Error {
  constructor(name: string, known: readonly string[]) {
    super(`no host ${JSON.stringify(name)} in the lab; there is ${known.join(", ")}`);
    this.name = "UnknownHostError";
  }
}

/** Everything of one running lab. */
export class Fabric {
  readonly servers: Servers;
  private readonly fixed = new Map<string, { host: Host; config: FixedHost }>();
  private cuts: Cut[] = [];
  private readonly lines: SlowLines;

  constructor(private readonly paths: InstancePaths) {
    this.servers = new Servers(paths, () => this.save());
    this.lines = new SlowLines(paths.logs);
    for (const config of FIXED_HOSTS) this.fixed.set(config.name, { config, host: this.makeFixedHost(config) });
  }

  /** Makes the networks. Once, before anything else. */
  async makeNetworks(): Promise<void> {
    for (const dir of [this.paths.hosts, this.paths.logs, "/run/lab/hosts"]) mkdirSync(dir, { recursive: true });
    await makeInternet();
  }

  /** Boots the fixed hosts and the servers that were on, as the kept state has them. */
  async startHosts(): Promise<void> {
    const state = readState(this.paths.state);
    this.cuts = state.cuts;
    await applyCuts(this.cuts);
    await Promise.all([...[...this.fixed.values()].map(({ host }) => host.boot()), this.servers.adopt(state.servers)]);
  }

  /** Cuts the power of everything; disks and state stay. */
  async stopHosts(): Promise<void> {
    const kept = this.servers.records(); // release() forgets them
    await Promise.all([...[...this.fixed.values()].map(({ host }) => host.release()), this.servers.release()]);
    writeState(this.paths.state, { servers: kept, cuts: this.cuts });
  }

  /** A host by its name. Throws `UnknownHostError`. */
  host(name: string): Host {
    const host = this.fixed.get(name)?.host ?? this.servers.named(name)?.host;
    if (!host)
      throw new UnknownHostError(
        name,
        this.hosts().map((known) => known.name),
      );
    return host;
  }

  /** Cuts a host's power and boots it again on the same disk, in a new namespace; done when its units are up. */
  async reset(name: string): Promise<void> {
    const server = this.servers.named(name);
    if (server) await this.servers.resetServer(server.record.spec.id);
    else await this.host(name).reset();
    await this.host(name).ready();
  }

  /** Drops all packets between two attachments, or lets them pass again; doing it twice is doing it once. */
  async cut(a: string, b: string, dropped: boolean): Promise<void> {
    const [first, second] = [this.attachment(a), this.attachment(b)].sort() as [string, string];
    if (first === second)
      throw new RefusedError(
        `${a} and ${b} are on one LAN: there is no path between them through the Internet that could be cut`,
      );
    const others = this.cuts.filter(([x, y]) => x !== first || y !== second);
    const next: Cut[] = dropped ? [...others, [first, second]] : others;
    await applyCuts(next);
    this.cuts = next;
    this.save();
  }

  /** Makes the line of a host slow, or fast again. A reset makes it fast too. */
  async slow(name: string, slowness: Slowness | undefined): Promise<void> {
    const { options } = this.host(name);
    const router = SITES.find(({ name: site }) => site === this.fixed.get(name)?.config.site)?.router;
    const server = this.servers.named(name);
    const far = router === undefined ? (server ? attachmentOf(server.record.spec) : name) : `lan-${name}`;
    const ends = [
      { namespace: router ?? INTERNET_NS, device: far },
      { namespace: options.id, device: "eth0" },
    ];
    await (slowness === undefined ? this.lines.mend(name) : this.lines.slow(name, ends, slowness));
  }

  /** Hosts in the order of the contract, servers last. */
  hosts(): HostStatus[] {
    const fixed = [...this.fixed.values()].map(({ host, config }): HostStatus => ({
      name: config.name,
      kind: config.managed ? "existing" : "device",
      ...(config.site ? { site: config.site } : {}),
      ipv4: config.ipv4,
      ...(config.ipv6 ? { ipv6: config.ipv6 } : {}),
      managed: config.managed !== undefined,
      ...runtime(host),
    }));
    const servers = this.servers.list().map(({ record, host }): HostStatus => ({
      name: record.spec.name,
      kind: "server",
      ...(record.spec.ipv4 ? { ipv4: record.spec.ipv4 } : {}),
      ...(record.spec.ipv6 ? { ipv6: firstAddress(record.spec.ipv6) } : {}),
      managed: true,
      ...runtime(host),
    }));
    return [...fixed, ...servers];
  }

  /** Paths that are cut, by the names of the attachments. */
  currentCuts(): readonly Cut[] {
    return this.cuts;
  }

  /** Namespaces that are no host's. */
  routers(): string[] {
    return [INTERNET_NS, SERVICES_NS, OPERATOR.name, ...SITES.map(({ router }) => router)];
  }

  private attachment(name: string): string {
    if (name === SERVICES_NS) return SERVICES_NS;
    const site = SITES.find((candidate) => candidate.name === name || candidate.router === name);
    if (site) return site.name;
    if (name === OPERATOR.name) return OPERATOR.site;
    const fixed = this.fixed.get(name)?.config;
    if (fixed) return fixed.site ?? fixed.name;
    const server = this.servers.named(name);
    if (server) return attachmentOf(server.record.spec);
    throw new UnknownHostError(name, [
      ...new Set([...this.hosts(), ...SITES].map((known) => known.name)),
      OPERATOR.name,
      SERVICES_NS,
    ]);
  }

  private save(): void {
    writeState(this.paths.state, { servers: this.servers.records(), cuts: this.cuts });
  }

  private makeFixedHost(config: FixedHost): Host {
    const { name } = config;
    const site = SITES.find((candidate) => candidate.name === config.site);
    const mac = macFor(name);
    return new Host({
      name,
      id: name,
      instance: this.paths.cgroup,
      image: imageDir(config.image),
      disk: path.join(this.paths.hosts, name),
      console: path.join(this.paths.logs, `${name}.console`),
      plug: () =>
        site
          ? plugIntoLan(site.router, name, name, mac)
          : plugIntoInternet({
              name,
              namespace: name,
              ifname: "eth0",
              mac,
              prefixes: [`${config.ipv4}/32`, ...(config.ipv6 ? [`${config.ipv6}/128`] : [])],
            }),
      unplug: () => (site ? unplugFromLan(site.router, name) : unplugFromInternet(name)),
      seed: (root) => seedFixedHost(root, config),
    });
  }
}

function runtime(host: Host): Pick<HostStatus, "state" | "leader" | "namespace" | "uptime"> {
  return {
    state: host.state,
    namespace: host.options.id,
    uptime: Math.round(host.uptime),
    ...(host.leader !== undefined ? { leader: host.leader } : {}),
  };
}
