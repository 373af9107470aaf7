/** Where the time of a file of tests goes: each kind of work notes when it began and ended. */

/**
 * `up`: Pulumi runs; `boot`: hosts boot, labs start and go back to a snapshot; `wait`: a test waits until something has
 * happened.
 */
export type Kind = "up" | "boot" | "wait";

/** One piece of work, in milliseconds since 1970. */
export interface Spent {
  kind: Kind;
  from: number;
  to: number;
}

const holder = globalThis as { labTimes?: Spent[] };

/** Does something and notes how long it took, whatever becomes of it. */
export async function spend<T>(kind: Kind, work: () => Promise<T>): Promise<T> {
  const from = Date.now();
  try {
    return await work();
  } finally {
    (holder.labTimes ??= []).push({ kind, from, to: Date.now() });
  }
}

/**
 * Seconds of each kind within a span. What runs side by side counts once: as `up`, else as `boot`, else as `wait`; the
 * rest is `test`.
 */
export function secondsByKind(spent: readonly Spent[], from: number, to: number): Record<Kind | "test", number> {
  const edges = [...new Set([from, to, ...spent.flatMap((one) => [one.from, one.to])])]
    .filter((time) => time >= from && time <= to)
    .sort((a, b) => a - b);
  const sums = { up: 0, boot: 0, wait: 0, test: 0 };
  edges.slice(1).forEach((end, index) => {
    const begin = edges[index]!;
    const going = new Set(spent.filter((one) => one.from < end && one.to > begin).map(({ kind }) => kind));
    const kind = (["up", "boot", "wait"] as const).find((one) => going.has(one)) ?? "test";
    sums[kind] += (end - begin) / 1000;
  });
  return sums;
}
