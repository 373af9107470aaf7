/**
 * The lab Internet's public DNS: an authoritative server for a signed root and all below it, and a validating resolver.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StateFile } from "../clouds/state-file";
import type { NamesOptions, NamesService, ZoneRecord } from "../machines";
import { controlSecret, NameServer, signZone } from "./bind";
import { authoritativeConfig, resolverConfig, rootHints, type ServerLayout } from "./config";
import { zoneKey } from "./keys";
import { reverseName } from "./reverse";
import { parentOf, served, zoneContent, zoneNames, type NamesState } from "./zones";
import { zoneFile } from "./zone-file";

/** How often everything is signed anew, in milliseconds: a day, where signatures are valid for thirty. */
const SIGN_INTERVAL = 24 * 3600 * 1000;

/** The key that validation of the lab's names starts from; always the same. */
export interface TrustAnchor {
  /** Record data of the root's DS record: `TAG 13 2 DIGEST`. */
  ds: string;
  /** Record data of the root's DNSKEY record: `257 3 13 KEY`. */
  dnskey: string;
}

/** The trust anchor of the lab's own root. */
export function trustAnchor(): TrustAnchor {
  const { ds, dnskey } = zoneKey("");
  return { ds, dnskey };
}

/**
 * Starts both servers from their state on disk, in the namespace that has their addresses.
 * @throws Error when BIND is not installed or a server does not come up; nothing is left running then
 */
export async function startNames(options: NamesOptions): Promise<NamesService> {
  const service = new Service(options);
  try {
    await service.start();
  } catch (error) {
    await service.stop();
    throw error;
  }
  return service;
}

class Service implements NamesService {
  private readonly file: StateFile<NamesState>;
  private readonly authoritative: NameServer;
  private readonly resolver: NameServer;
  private readonly layouts: { authoritative: ServerLayout; resolver: ServerLayout };
  private readonly secret: string;
  /** The changes, one after the other. */
  private queue: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(options: NamesOptions) {
    this.secret = controlSecret(options.directory);
    const layout = (name: ServerLayout["name"], controlPort: number): ServerLayout => {
      const directory = join(options.directory, name);
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      return { name, directory, controlPort };
    };
    this.layouts = { authoritative: layout("authoritative", 9530), resolver: layout("resolver", 9531) };
    this.authoritative = new NameServer(options, this.layouts.authoritative);
    this.resolver = new NameServer(options, this.layouts.resolver);
    this.file = new StateFile<NamesState>(join(options.directory, "names.json"), () => ({
      version: 1,
      serial: 0,
      zones: {},
      reverse: {},
    }));
  }

  async start(): Promise<void> {
    const state = this.file.data;
    const zones = zoneNames(state);
    await this.sign(zones, state);
    this.file.save();
    writeFileSync(join(this.layouts.resolver.directory, "root.hints"), rootHints());
    await Promise.all([
      this.authoritative.start(this.authoritativeConfig()),
      this.resolver.start(resolverConfig(this.layouts.resolver, this.secret)),
    ]);
    await Promise.all(zones.map((zone) => this.authoritative.served(zone, state.serial)));
    this.timer = setInterval(() => void this.signAgain(), SIGN_INTERVAL).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.queue.catch(() => undefined);
    await Promise.all([this.authoritative.stop(), this.resolver.stop()]);
  }

  publishZone(zone: string, records: ZoneRecord[]): Promise<void> {
    return this.change(async (state) => {
      if (JSON.stringify(state.zones[zone]) === JSON.stringify(records)) return;
      if (!(zone in state.zones) && zoneNames(state).includes(zone)) {
        throw new Error(`zone ${zone} is the lab's own and cannot be published`);
      }
      const isNew = !(zone in state.zones);
      const next: NamesState = { ...state, zones: { ...state.zones, [zone]: records } };
      // A new zone also changes the one that delegates it, and takes over what lay below it elsewhere.
      await this.serve(next, isNew ? [zone, parentOf(zone, next)] : [zone], isNew);
      if (isNew) await this.resolver.command("flush");
      else await this.resolver.command("flushtree", zone);
    });
  }

  setReverse(ip: string, name: string | undefined): Promise<void> {
    return this.change(async (state) => {
      const { name: pointer, zone } = reverseName(ip);
      if (state.reverse[ip] === name) return;
      const reverse = { ...state.reverse };
      if (name === undefined) delete reverse[ip];
      else reverse[ip] = name;
      await this.serve({ ...state, reverse }, [zone], false);
      await this.resolver.command("flushname", pointer);
    });
  }

  /**
   * Signs the changed zones, keeps the state, and returns once they are served; when signing fails all stays as it was.
   */
  private async serve(next: NamesState, zones: string[], reconfigure: boolean): Promise<void> {
    await this.sign(zones, next);
    Object.assign(this.file.data, next);
    this.file.save();
    if (reconfigure) {
      this.authoritative.writeConfig(this.authoritativeConfig());
      await this.authoritative.command("reconfig");
    }
    for (const zone of zones) await this.authoritative.command("reload", `${zone}.`);
    for (const zone of zones) await this.authoritative.served(zone, next.serial);
  }

  private async sign(zones: string[], state: NamesState): Promise<void> {
    state.serial = Math.max(this.file.data.serial + 1, Math.floor(Date.now() / 1000));
    const { directory } = this.layouts.authoritative;
    await Promise.all(
      zones.map((zone) =>
        signZone(directory, zone, zoneFile(zoneContent(zone, state), state.serial), (signed) => served(zone, signed)),
      ),
    );
  }

  private signAgain(): Promise<void> {
    return this.change((state) => this.serve({ ...state }, zoneNames(state), false)).catch((error: unknown) =>
      console.error("the lab's zones could not be signed again", error),
    );
  }

  private authoritativeConfig(): string {
    return authoritativeConfig(this.layouts.authoritative, this.secret, zoneNames(this.file.data));
  }

  private change(work: (state: NamesState) => Promise<void>): Promise<void> {
    const done = this.queue.catch(() => undefined).then(() => work(this.file.data));
    this.queue = done;
    return done;
  }
}
