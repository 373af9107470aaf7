import { randomBytes } from "node:crypto";
import { readContent, type ContentBody } from "./content";
import { ApiError, validationError } from "./errors";
import type { DnsRecord, Zone } from "./model";
import { qualify } from "./names";

/** Body of POST, PUT and PATCH on `dns_records`. */
export interface RecordBody extends ContentBody {
  name?: unknown;
  type?: unknown;
  ttl?: unknown;
  proxied?: unknown;
  comment?: unknown;
  tags?: unknown;
}

const AUTOMATIC = 1;
const COMMENT_LIMIT = 100;
const PROXIABLE = ["A", "AAAA", "CNAME"];

/**
 * Makes a record from a complete body (POST, PUT), or from a body over an earlier record (PATCH).
 * @param earlier the record that is changed: keeps its id and its time of creation, and for PATCH all that is not given
 * @throws ApiError 9000 for the name, and the number of the broken rule for the rest
 */
export function readRecord(zone: Zone, body: RecordBody, earlier?: DnsRecord, patch = false): DnsRecord {
  const full = patch && earlier ? merged(earlier, body) : body;
  if (typeof full.name !== "string") throw new ApiError(400, 9000, "DNS name is required.");
  if (typeof full.type !== "string") throw validationError("A record needs a type.", 9004);
  const type = full.type.toUpperCase();
  const name = qualify(full.name, zone.name);
  const { content, data, priority } = readContent(type, full);
  if (type === "CNAME" && content === name) throw validationError("A CNAME record cannot reference itself.", 9039);
  if (type === "NS" && name === zone.name) throw validationError("The zone's own NS records cannot be changed.", 9110);
  checkProxied(full.proxied, type);
  const comment = readComment(full);
  const now = new Date().toISOString();
  return {
    id: earlier?.id ?? randomBytes(16).toString("hex"),
    name,
    type,
    content,
    ...(data === undefined ? {} : { data }),
    ...(priority === undefined ? {} : { priority }),
    ttl: readTtl(full.ttl),
    proxied: false,
    ...(comment === undefined ? {} : { comment }),
    createdOn: earlier?.createdOn ?? now,
    modifiedOn: now,
  };
}

/**
 * Refuses a record that cannot stand beside the zone's others: a CNAME stands alone (RFC 1034 section 3.6.2; at the
 * apex beside all but addresses, since it is flattened there), and no record is there twice.
 * @throws ApiError 81053, 81054 or 81058
 */
export function checkConflicts(zone: Zone, record: DnsRecord): void {
  const others = zone.records.filter((entry) => entry.name === record.name && entry.id !== record.id);
  if (others.some((entry) => isSameRecord(entry, record))) {
    throw new ApiError(400, 81058, "An identical record already exists.");
  }
  const isApex = record.name === zone.name;
  const excludes = (type: string): boolean => !isApex || PROXIABLE.includes(type);
  if (record.type === "CNAME" && others.some((entry) => excludes(entry.type))) {
    throw new ApiError(400, 81053, "An A, AAAA, or CNAME record with that host already exists.");
  }
  if (excludes(record.type) && others.some((entry) => entry.type === "CNAME")) {
    throw new ApiError(400, 81054, "A CNAME record with that host already exists.");
  }
}

/** API form of a record. */
export function presentRecord(record: DnsRecord): object {
  return {
    id: record.id,
    name: record.name,
    type: record.type,
    content: record.content,
    proxiable: PROXIABLE.includes(record.type),
    proxied: record.proxied,
    ttl: record.ttl,
    settings: {},
    meta: {},
    comment: record.comment ?? null,
    tags: [],
    created_on: record.createdOn,
    modified_on: record.modifiedOn,
    ...(record.comment === undefined ? {} : { comment_modified_on: record.modifiedOn }),
    ...(record.data === undefined ? {} : { data: record.data }),
    ...(record.priority === undefined ? {} : { priority: record.priority }),
  };
}

/** True when two records answer the same, however they are written: the API allows one of them. */
export function isSameRecord(a: DnsRecord, b: DnsRecord): boolean {
  if (a.name !== b.name || a.type !== b.type) return false;
  return readContent(a.type, a).presentation === readContent(b.type, b).presentation;
}

function merged(earlier: DnsRecord, body: RecordBody): RecordBody {
  const { name, type, content, data, priority, ttl, proxied, comment } = earlier;
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
  return { name, type, content, data, priority, ttl, proxied, comment, ...given };
}

function readTtl(ttl: unknown): number {
  if (ttl === undefined || ttl === AUTOMATIC) return AUTOMATIC;
  if (typeof ttl !== "number" || !Number.isInteger(ttl) || ttl < 60 || ttl > 86400) {
    throw validationError("Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.", 9021);
  }
  return ttl;
}

function checkProxied(proxied: unknown, type: string): void {
  if (proxied === undefined || proxied === false) return;
  if (proxied !== true) throw validationError("proxied must be true or false.", 9004);
  if (!PROXIABLE.includes(type)) throw validationError(`A ${type} record cannot be proxied.`, 9041);
  throw validationError(
    "The lab's Cloudflare has no edge yet, so a record cannot be proxied; set proxied to false.",
    9003,
  );
}

function readComment(body: RecordBody): string | undefined {
  if (Array.isArray(body.tags) && body.tags.length > 0) {
    throw new ApiError(400, 9300, `DNS record has ${body.tags.length} tags, exceeding the quota of 0.`);
  }
  const { comment } = body;
  if (comment === undefined || comment === null || comment === "") return undefined;
  if (typeof comment !== "string" || comment.length > COMMENT_LIMIT) {
    throw validationError(`comment must have at most ${COMMENT_LIMIT} characters.`, 9301);
  }
  return comment;
}
