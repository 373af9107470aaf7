/**
 * How many keys a host is offered, and how often: every refused one counts there, and a host that has refused enough
 * locks the operator out.
 */
import type { Offer } from "./authentication";
import type { ConnectionError } from "./errors";

/** Refused attempts on one connection: one less than OpenSSH's own MaxAuthTries, at which it ends the login. */
const MOST_REFUSED = 5;
/**
 * Connections for one login. OpenSSH shuts a source out for a while at the third that nobody gets in by
 * (PerSourcePenalties: 5 s each, from 15 s on).
 */
const MOST_CONNECTIONS = 2;
/** A host that has refused all is not asked again within this time: as long as OpenSSH remembers one refused login. */
const AGAIN_MS = 5_000;

/** What the process has learnt of keys and hosts. A host is told apart by `place`, which says the user too. */
export class Attempts {
  private readonly workedAt = new Map<string, string>();
  private readonly refusedAt = new Map<string, { at: number; error: ConnectionError }>();
  /** Keys that have got into any host. */
  readonly worked = new Set<string>();

  /** The key that has got into the host before. */
  keyOf(place: string): string | undefined {
    return this.workedAt.get(place);
  }

  /**
   * Why the host has refused all keys, and for how many milliseconds it is not to be asked again; undefined: it may be
   * asked now.
   */
  refusal(place: string, now = Date.now()): { error: ConnectionError; wait: number } | undefined {
    const last = this.refusedAt.get(place);
    const wait = (last?.at ?? 0) + AGAIN_MS - now;
    return last !== undefined && wait > 0 ? { error: last.error, wait } : undefined;
  }

  accepted(place: string, key: string): void {
    this.workedAt.set(place, key);
    this.worked.add(key);
    this.refusedAt.delete(place);
  }

  refused(place: string, error: ConnectionError, now = Date.now()): void {
    this.refusedAt.set(place, { at: now, error });
  }

  /**
   * How many connections one login at a host may take: one where it has refused all keys before, and none since has got
   * in.
   */
  connections(place: string): number {
    return this.refusedAt.has(place) ? 1 : MOST_CONNECTIONS;
  }
}

/** As many of the offers as one connection bears, and at least one. */
export function batch(offers: readonly Offer[]): Offer[] {
  let [cost, count] = [0, 0];
  for (const offer of offers) {
    cost += offer.cost;
    if (cost > MOST_REFUSED && count > 0) break;
    count += 1;
  }
  return offers.slice(0, count);
}
