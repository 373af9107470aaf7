/**
 * Small numbers for named things: given by hand, or the hash of the name, so that one more or one less changes no
 * other.
 */
import { createHash } from "node:crypto";
import type { Issues } from "./errors";

/** The numbers that may be given, both ends included. */
export interface IdRange {
  readonly first: number;
  readonly last: number;
}

/** What asks for a number. */
export interface IdClaim {
  readonly name: string;
  /** Where the number can be given, for messages: `sites.home.id`. */
  readonly path: string;
  /** The number given by hand; absent: the hash of kind and name. */
  readonly id?: number;
}

/**
 * The number that a name has by itself: SHA-256 of kind and name, mapped to the range. Independent of all other names.
 */
export function hashId(kind: string, name: string, range: IdRange): number {
  const digest = createHash("sha256").update(`${kind}\0${name}`).digest();
  return range.first + Number(digest.readBigUInt64BE() % BigInt(range.last - range.first + 1));
}

/**
 * Gives every claim its number. Two claims of one number, or one outside the range, are noted as problems that ask for
 * an explicit `id` and name a free one; both keep the number, so that later checks can go on.
 */
export function allocateIds(
  kind: string,
  claims: readonly IdClaim[],
  range: IdRange,
  issues: Issues,
): Map<string, number> {
  const ids = new Map<string, number>();
  const holders = new Map<number, IdClaim>();
  for (const claim of claims) {
    if (claim.id !== undefined && !isInRange(claim.id, range)) {
      issues.add(
        claim.path,
        `must be a whole number from ${range.first} to ${range.last}`,
        [String(claim.id)],
        "give another one, or leave it out",
      );
      continue;
    }
    const id = claim.id ?? hashId(kind, claim.name, range);
    ids.set(claim.name, id);
    const holder = holders.get(id);
    if (holder === undefined) holders.set(id, claim);
  }
  for (const claim of claims) reportCollision(claim, ids, holders, range, issues);
  return ids;
}

function reportCollision(
  claim: IdClaim,
  ids: Map<string, number>,
  holders: Map<number, IdClaim>,
  range: IdRange,
  issues: Issues,
): void {
  const id = ids.get(claim.name);
  const holder = id === undefined ? undefined : holders.get(id);
  if (id === undefined || holder === undefined || holder === claim) return;
  const free = freeId(new Set(ids.values()), range);
  const movable = claim.id === undefined || holder.id !== undefined ? claim : holder;
  const help =
    free === undefined
      ? "the range is full: make the pool larger"
      : `set ${movable.path} to a number that is free, for example ${free}`;
  issues.add(
    claim.path,
    "two things have the same number",
    [`${describe(holder)} has ${id}`, `${describe(claim)} has ${id}`],
    help,
  );
}

function describe(claim: IdClaim): string {
  return `"${claim.name}" ${claim.id === undefined ? "(by its name)" : `(by ${claim.path})`}`;
}

function freeId(taken: ReadonlySet<number>, range: IdRange): number | undefined {
  for (let id = range.first; id <= range.last; id++) if (!taken.has(id)) return id;
  return undefined;
}

function isInRange(id: number, range: IdRange): boolean {
  return Number.isInteger(id) && id >= range.first && id <= range.last;
}
