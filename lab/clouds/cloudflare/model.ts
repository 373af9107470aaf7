/** A record of a zone, as the API stores it. */
export interface DnsRecord {
  /** 32 hexadecimal digits. */
  id: string;
  /** Fully qualified, lower case, without final dot. */
  name: string;
  type: string;
  /** Presentation text; made from `data` for the types that have it. */
  content: string;
  /** Structured content (CAA, SRV, TLSA …). */
  data?: Record<string, unknown>;
  /** MX and SRV. */
  priority?: number;
  /** Seconds, or 1 for automatic. */
  ttl: number;
  proxied: boolean;
  comment?: string;
  /** ISO 8601 times. */
  createdOn: string;
  modifiedOn: string;
}

/** A zone with its records and the settings that differ from the defaults. */
export interface Zone {
  id: string;
  name: string;
  createdOn: string;
  records: DnsRecord[];
  settings: Record<string, { value: unknown; modifiedOn: string }>;
}

/** The whole account as it lies on disk. */
export interface AccountState {
  version: 1;
  accountId: string;
  zones: Zone[];
}
