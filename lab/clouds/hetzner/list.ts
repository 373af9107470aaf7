import { invalidField } from "./errors";
import { parseSelector } from "./labels";
import type { Labels } from "./model";

/** Query of a list request: a repeated parameter is an array. */
export type Query = Record<string, string | string[] | undefined>;

const DEFAULT_PER_PAGE = 25;
const MAX_PER_PAGE = 50;

/** All values of a query parameter, repeated or not; empty when it is absent. */
export function valuesOf(query: Query, name: string): string[] {
  const value = query[name];
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** Keeps what a filter parameter names; all when the parameter is absent. */
export function filterBy<T>(items: T[], query: Query, name: string, valueOf: (item: T) => string): T[] {
  const wanted = valuesOf(query, name);
  return wanted.length === 0 ? items : items.filter((item) => wanted.includes(valueOf(item)));
}

/** Keeps what matches `label_selector`; all when it is absent or empty. */
export function filterByLabels<T extends { labels: Labels }>(items: T[], query: Query): T[] {
  const text = valuesOf(query, "label_selector")[0];
  if (!text) return items;
  const selector = parseSelector(text);
  return items.filter((item) => selector(item.labels));
}

/**
 * Sorts by `sort=field[:asc|desc]`, several in the order given; unsorted lists stay in the order of ids.
 * @throws ApiError invalid_input for an unknown field or direction
 */
export function sorted<T>(items: T[], query: Query, fields: Record<string, (item: T) => string | number>): T[] {
  const keys = valuesOf(query, "sort").map((text) => {
    const [field = "", direction = "asc"] = text.split(":");
    const valueOf = fields[field];
    if (!valueOf || !["asc", "desc"].includes(direction)) {
      throw invalidField("sort", `'${text}' is none of ${Object.keys(fields).join(", ")}, with :asc or :desc`);
    }
    return { valueOf, sign: direction === "asc" ? 1 : -1 };
  });
  return [...items].sort((a, b) => {
    for (const { valueOf, sign } of keys) {
      const [left, right] = [valueOf(a), valueOf(b)];
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  });
}

/**
 * Cuts one page and makes the response `{[key]: items, meta: {pagination}}`; an empty page past the end.
 * @param key name of the list in the response, for example `servers`
 * @param present makes the API's form of one item
 * @throws ApiError invalid_input for a page or page size that is no positive number, or more than 50 a page
 */
export function paginate<T>(items: T[], query: Query, key: string, present: (item: T) => object): object {
  const page = positive(query, "page", 1);
  const perPage = positive(query, "per_page", DEFAULT_PER_PAGE);
  if (perPage > MAX_PER_PAGE) throw invalidField("per_page", `must be at most ${MAX_PER_PAGE}`);
  const lastPage = Math.max(1, Math.ceil(items.length / perPage));
  return {
    [key]: items.slice((page - 1) * perPage, page * perPage).map(present),
    meta: {
      pagination: {
        page,
        per_page: perPage,
        previous_page: page > 1 ? page - 1 : null,
        next_page: page < lastPage ? page + 1 : null,
        last_page: lastPage,
        total_entries: items.length,
      },
    },
  };
}

function positive(query: Query, name: string, fallback: number): number {
  const text = valuesOf(query, name)[0];
  if (text === undefined) return fallback;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw invalidField(name, "must be a number of at least 1");
  return Number(text);
}
