// Cloudflare writes snake_case, Pulumi's SDK camelCase. Single letters count as words: "a1_b" is not used by either.
import { isObject } from "../common/values";

/** A key in the SDK's spelling: `zone_id` is `zoneId`. */
export function toCamel(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** A key in the API's spelling: `zoneId` is `zone_id`; a digit stays with its word (`ipv4Only` is `ipv4_only`). */
export function toSnake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A value with all its keys renamed; `null` becomes absent. */
export function renameKeys(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((entry) => renameKeys(entry, rename));
  if (!isObject(value)) return value ?? undefined;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== null && entry !== undefined)
      .map(([key, entry]) => [rename(key), renameKeys(entry, rename)]),
  );
}
