import type { Names, ZoneRecord } from "../../machines";
import { readContent } from "./content";
import type { DnsRecord, Zone } from "./model";

/** What `ttl` 1 (automatic) is served with, in seconds. */
const AUTOMATIC_TTL = 300;

/** Hands zones to the name servers: one at a time, and changes that come meanwhile together. */
export class Publisher {
  private running: Promise<void> | undefined;
  private waiting: Promise<void> | undefined;

  constructor(
    private readonly zone: Zone,
    private readonly names: Names,
  ) {}

  /**
   * Resolves once the zone as it is now, or newer, is served.
   * @throws Error of the name server when it refuses the zone
   */
  publish(): Promise<void> {
    if (this.waiting) return this.waiting;
    if (!this.running) return this.run();
    this.waiting = this.running
      .catch(() => undefined)
      .then(() => {
        this.waiting = undefined;
        return this.run();
      });
    return this.waiting;
  }

  private run(): Promise<void> {
    const run = this.names.publishZone(this.zone.name, zoneRecords(this.zone)).finally(() => {
      if (this.running === run) this.running = undefined;
    });
    this.running = run;
    return run;
  }
}

/** The zone's content as a name server takes it; a CNAME at the apex is flattened to the addresses that it leads to. */
export function zoneRecords(zone: Zone): ZoneRecord[] {
  return zone.records.flatMap((record) => {
    if (record.type === "CNAME" && record.name === zone.name) {
      return addressesOf(zone, record.content).map((address) => published(address, zone.name, record.ttl));
    }
    return [published(record, record.name, record.ttl)];
  });
}

/** The address records behind a name of the zone, along CNAMEs inside it; none for a name elsewhere. */
export function addressesOf(zone: Zone, name: string, seen: string[] = []): DnsRecord[] {
  if (seen.includes(name)) return [];
  const here = zone.records.filter((record) => record.name === name);
  const alias = here.find((record) => record.type === "CNAME");
  if (alias) return addressesOf(zone, alias.content, [...seen, name]);
  return here.filter((record) => record.type === "A" || record.type === "AAAA");
}

function published(record: DnsRecord, name: string, ttl: number): ZoneRecord {
  const { presentation } = readContent(record.type, record);
  return { name, type: record.type, ttl: ttl === 1 ? AUTOMATIC_TTL : ttl, data: presentation };
}
