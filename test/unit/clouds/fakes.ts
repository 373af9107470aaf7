import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startClouds, type Clouds } from "../../../lab/clouds/service";
import { CLOUDFLARE_API_TOKEN, HCLOUD_TOKEN } from "../../../lab/constants";
import type { FirewallRule, Machines, Names, PowerState, ServerSpec, ZoneRecord } from "../../../lab/machines";

// A call takes milliseconds; a machine that is busy with other work may need seconds for it.
jest.setTimeout(30_000);

/** Machines that only remember what was asked of them, in order. */
export class FakeMachines implements Machines {
  /** `create 5`, `firewall 5`, `start 5` … in the order of the calls. */
  readonly calls: string[] = [];
  readonly specs = new Map<number, ServerSpec>();
  readonly rules = new Map<number, FirewallRule[] | undefined>();
  readonly power = new Map<number, PowerState>();
  /** Names of methods that fail, with the message. */
  readonly failures = new Map<string, string>();
  /** Calls of these methods wait until `release` is called. */
  readonly held = new Set<string>();
  private waiting: (() => void)[] = [];

  release(): void {
    this.held.clear();
    for (const resume of this.waiting.splice(0)) resume();
  }

  private async call(method: string, id: number): Promise<void> {
    this.calls.push(`${method} ${id}`);
    if (this.held.has(method)) await new Promise<void>((resolve) => this.waiting.push(resolve));
    const failure = this.failures.get(method);
    if (failure !== undefined) throw new Error(failure);
  }

  async createServer(spec: ServerSpec): Promise<void> {
    await this.call("create", spec.id);
    if (this.specs.has(spec.id)) throw new Error(`server ${spec.id} exists already`);
    this.specs.set(spec.id, spec);
    this.power.set(spec.id, "off");
  }
  async startServer(id: number): Promise<void> {
    await this.call("start", id);
    this.power.set(id, "running");
  }
  async stopServer(id: number): Promise<void> {
    await this.call("stop", id);
    this.power.set(id, "off");
  }
  async resetServer(id: number): Promise<void> {
    await this.call("reset", id);
  }
  async rebuildServer(id: number): Promise<void> {
    await this.call("rebuild", id);
  }
  async deleteServer(id: number): Promise<void> {
    await this.call("delete", id);
    for (const map of [this.specs, this.rules, this.power]) map.delete(id);
  }
  async setAddresses(id: number, ipv4: string | undefined, ipv6: string | undefined): Promise<void> {
    await this.call(`addresses(${ipv4 ?? "-"},${ipv6 ?? "-"})`, id);
  }
  async setFirewall(id: number, rules: FirewallRule[] | undefined): Promise<void> {
    await this.call("firewall", id);
    this.rules.set(id, rules);
  }
  powerState(id: number): Promise<PowerState> {
    return Promise.resolve(this.power.get(id) ?? "off");
  }
}

/** Name servers that only remember what they serve. */
export class FakeNames implements Names {
  readonly zones = new Map<string, ZoneRecord[]>();
  readonly reverse = new Map<string, string>();
  publications = 0;
  /** The next publications fail with this message. */
  failure: string | undefined;

  async publishZone(zone: string, records: ZoneRecord[]): Promise<void> {
    this.publications++;
    await new Promise((resolve) => setTimeout(resolve, 20)); // as long as signing takes
    if (this.failure !== undefined) throw new Error(this.failure);
    this.zones.set(zone, records);
  }
  setReverse(ip: string, name: string | undefined): Promise<void> {
    if (name === undefined) this.reverse.delete(ip);
    else this.reverse.set(ip, name);
    return Promise.resolve();
  }
  /** `TYPE data` of a name, sorted. */
  lookup(zone: string, name: string): string[] {
    const records = this.zones.get(zone) ?? [];
    return records
      .filter((record) => record.name === name)
      .map((record) => `${record.type} ${record.data}`)
      .sort();
  }
}

/** Both services on free ports of the loopback address, with fakes behind them. */
export interface TestClouds {
  clouds: Clouds;
  machines: FakeMachines;
  names: FakeNames;
  log: string[];
  directory: string;
}

/** Starts the services; `earlier` continues on the state and the fakes of services that were closed. */
export async function startTestClouds(earlier?: TestClouds): Promise<TestClouds> {
  const machines = earlier?.machines ?? new FakeMachines();
  const names = earlier?.names ?? new FakeNames();
  const log: string[] = [];
  const directory = earlier?.directory ?? mkdtempSync(join(tmpdir(), "clouds-"));
  const endpoints = [{ address: "127.0.0.1", port: 0 }];
  const clouds = await startClouds({
    directory,
    machines,
    names,
    hetznerToken: HCLOUD_TOKEN,
    cloudflareToken: CLOUDFLARE_API_TOKEN,
    hetznerEndpoints: endpoints,
    cloudflareEndpoints: endpoints,
    log: (line) => log.push(line),
  });
  return { clouds, machines, names, log, directory };
}

/** An answer of an API. */
export interface Answer {
  status: number;
  headers: Headers;
  // Answers are read by their published form; the tests check it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

/** Calls an API with its token (or another) and a JSON body. */
export async function call(method: string, url: string, token: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}
