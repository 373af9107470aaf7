import { createHash } from "node:crypto";
import type { Names } from "../../machines";
import { StateFile } from "../state-file";
import { applyChange, Draft } from "./draft";
import { ApiError, noRoute } from "./errors";
import type { AccountState, Zone } from "./model";
import { Publisher } from "./publish";
import { readRecord, type RecordBody } from "./records";

/** What an account is made from. */
export interface AccountOptions {
  /** File of its state. */
  stateFile: string;
  names: Names;
  /** Zones of a new account, with records that are somebody else's. */
  seed: { zone: string; records: RecordBody[] }[];
}

/** One account: its zones, and the name servers behind them. */
export class Account {
  private readonly file: StateFile<AccountState>;
  private readonly publishers = new Map<string, Publisher>();

  constructor(private readonly options: AccountOptions) {
    this.file = new StateFile(options.stateFile, () => seeded(options.seed));
    for (const zone of this.zones) this.publishers.set(zone.id, new Publisher(zone, options.names));
    this.save();
  }

  get zones(): Zone[] {
    return this.file.data.zones;
  }

  get id(): string {
    return this.file.data.accountId;
  }

  /** Writes the state to disk. */
  save(): void {
    this.file.save();
  }

  /** @throws ApiError 7003 for what is no identifier, 1001 for an unknown one */
  zone(id: string): Zone {
    if (!/^[0-9a-f]{32}$/.test(id)) throw noRoute(`/client/v4/zones/${id}`);
    const zone = this.zones.find((entry) => entry.id === id);
    if (!zone) throw new ApiError(404, 1001, "Invalid zone identifier");
    return zone;
  }

  /**
   * Changes a zone's records as the draft says, all or none, and returns once that is served; what the name server
   * refuses is undone.
   * @param work makes the draft's steps; what it returns is returned
   * @throws ApiError of the zone's id or of the work, Error of the name server
   */
  async edit<T>(zoneId: string, work: (draft: Draft) => T): Promise<T> {
    const zone = this.zone(zoneId);
    const draft = new Draft(zone);
    const result = work(draft);
    const changes = draft.finish();
    if (changes.length === 0) return result;
    for (const change of changes) applyChange(zone, change);
    this.save();
    try {
      await this.publisher(zone).publish();
    } catch (error) {
      for (const { from, to } of changes.toReversed()) {
        applyChange(zone, { ...(to ? { from: to } : {}), ...(from ? { to: from } : {}) });
      }
      this.save();
      void this.publisher(zone)
        .publish()
        .catch(() => undefined);
      throw error;
    }
    return result;
  }

  /** Hands every zone to the name servers, as after a start of either. */
  async publishAll(): Promise<void> {
    await Promise.all(this.zones.map((zone) => this.publisher(zone).publish()));
  }

  private publisher(zone: Zone): Publisher {
    return this.publishers.get(zone.id) as Publisher;
  }
}

/** An identifier as the API has them, the same for the same text: 32 hexadecimal digits. */
function identifier(text: string): string {
  return createHash("sha256").update(`pulumi-intranet lab ${text}`).digest("hex").slice(0, 32);
}

function seeded(seed: AccountOptions["seed"]): AccountState {
  const zones = seed.map(({ zone: name, records }) => {
    const createdOn = new Date().toISOString();
    const zone: Zone = { id: identifier(`zone ${name}`), name, createdOn, records: [], settings: {} };
    zone.records.push(...records.map((body) => readRecord(zone, body)));
    return zone;
  });
  return { version: 1, accountId: identifier("account"), zones };
}
