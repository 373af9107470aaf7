/** Walks through arguments: where their texts are, as values and as keys. */
import * as pulumi from "@pulumi/pulumi";

/** Where a text stands: fields and indices; a key of a map is the place of its value with `key` set. */
export interface Leaf {
  readonly path: readonly (string | number)[];
  readonly key: boolean;
}

/** A place as people write it: `servers[0].identity.v4`; a map's key as `labels{key}`. */
export function written(leaf: Leaf): string {
  const text = leaf.path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
  return leaf.key ? text.replace(/\.[^.]*$/, "{key}") : text;
}

/** Whether something is a plain object or a list, whose parts are arguments too. */
function isPlain(value: unknown): value is Record<string, unknown> | unknown[] {
  if (typeof value !== "object" || value === null || pulumi.Resource.isInstance(value)) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

/** All texts of `value`; `maps` are the written places whose keys are texts of the user's, too. */
export function leavesOf(value: unknown, maps: ReadonlySet<string>, path: readonly (string | number)[] = []): Leaf[] {
  if (typeof value === "string") return [{ path, key: false }];
  if (!isPlain(value)) return [];
  const isMap = maps.has(written({ path, key: false }).replace(/\[\d+\]/g, "[]"));
  return (Array.isArray(value) ? [...value.entries()] : Object.entries(value)).flatMap(([part, item]) => [
    ...(isMap ? [{ path: [...path, part], key: true }] : []),
    ...leavesOf(item, maps, [...path, part]),
  ]);
}

/** A copy of `value` with `text` at that place. */
export function replaced(value: unknown, { path, key }: Leaf, text: string): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return text;
  if (Array.isArray(value))
    return value.map((item, index) => (index === part ? replaced(item, { path: rest, key }, text) : item));
  const entries = Object.entries(value as object).map(([field, item]): [string, unknown] => {
    if (field !== part) return [field, item];
    return key && rest.length === 0 ? [text, item] : [field, replaced(item, { path: rest, key }, text)];
  });
  return Object.fromEntries(entries);
}
