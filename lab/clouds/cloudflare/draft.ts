import { ApiError, GENERAL, noRoute, validationError } from "./errors";
import type { DnsRecord, Zone } from "./model";
import { checkConflicts, readRecord, type RecordBody } from "./records";

/**
 * One step from the records that there are to those that are wanted; without `from` a new one, without `to` one less.
 */
export interface Change {
  from?: DnsRecord;
  to?: DnsRecord;
}

/** What one request makes of a zone's records, step by step. The zone itself stays as it is. */
export class Draft {
  /** The steps so far. */
  readonly changes: Change[] = [];
  private readonly zone: Zone;

  constructor(zone: Zone) {
    this.zone = { ...zone, records: [...zone.records] };
  }

  /** Adds a record. @throws ApiError for what breaks a rule, or cannot stand beside the others */
  create(body: RecordBody): DnsRecord {
    return this.put(readRecord(this.zone, body));
  }

  /**
   * Overwrites a record, or with `patch` what the body holds of it. @throws ApiError as create, or 81044: no such
   * record
   */
  change(id: string, body: RecordBody, patch: boolean): DnsRecord {
    const earlier = this.find(id);
    return this.put(readRecord(this.zone, body, earlier, patch), earlier);
  }

  /** Takes a record away. @throws ApiError 81044: no such record */
  remove(id: string): DnsRecord {
    const record = this.find(id);
    this.step({ from: record });
    return record;
  }

  /** @throws ApiError 7003 for what is no identifier, 81044 when there is no such record */
  find(id: string): DnsRecord {
    if (!/^[0-9a-f]{32}$/.test(id)) throw noRoute(`/client/v4/zones/${this.zone.id}/dns_records/${id}`);
    const record = this.zone.records.find((entry) => entry.id === id);
    if (!record) throw new ApiError(404, 81044, "Record does not exist.");
    return record;
  }

  /**
   * The steps, once what all of them leave is right: a DS record stands beside NS records (RFC 4035 section 2.4).
   * @throws ApiError
   */
  finish(): Change[] {
    const names = this.changes.flatMap(({ from, to }) => [from, to]).map((record) => record?.name);
    for (const name of new Set(names)) {
      const types = this.zone.records.filter((record) => record.name === name).map(({ type }) => type);
      if (types.includes("DS") && !types.includes("NS")) {
        throw validationError(`A DS record needs NS records of the same name: ${String(name)} has none.`, GENERAL);
      }
    }
    return this.changes;
  }

  private put(record: DnsRecord, earlier?: DnsRecord): DnsRecord {
    checkConflicts(this.zone, record);
    if (record.type === "CNAME" && record.name === this.zone.name && !record.content.endsWith(`.${this.zone.name}`)) {
      throw validationError(`A CNAME at the apex can only lead to a name inside ${this.zone.name} here.`, 9003);
    }
    this.step({ ...(earlier ? { from: earlier } : {}), to: record });
    return record;
  }

  private step(change: Change): void {
    applyChange(this.zone, change);
    this.changes.push(change);
  }
}

/** Does one step in a zone's own records. */
export function applyChange(zone: Zone, { from, to }: Change): void {
  const index = zone.records.findIndex((record) => record.id === from?.id);
  if (index < 0) {
    if (to) zone.records.push(to);
  } else zone.records.splice(index, 1, ...(to ? [to] : []));
}
