import { invalidField } from "./errors";
import { parseSelector } from "./labels";
import type { Labels } from "./model";

/** Query of a list request: a repeated parameter is an array. */
export type Query = Record<string, string | string[] | undefined>;

const DEFAULT_PER_PAGE = 25;
const MAX_PER_PAGE = 50;

/** A filter of a list: what an item has, and the values that may be asked for where the list of them is closed. */
export interface Filter<T> {
  /** An item is kept when this is one of the values in the query. */
  of: (item: T) => string;
  /** The values that may be asked for; absent: any. */
  values?: readonly string[];
}

/** What a list request may ask for, and how it is answered. */
export interface Listing<T> {
  /** Name of the list in the response, for example `servers`. */
  key: string;
  /** Makes the API's form of one item. */
  present: (item: T) => object;
  /** Filters by parameter; a parameter that is none of them is refused. */
  filters?: Record<string, Filter<T>>;
  /** Parameters that are known and leave nothing out, whatever their value. */
  ignored?: string[];
  /** The labels that `label_selector` looks at; absent: the list knows no such parameter. */
  labels?: (item: T) => Labels;
  /** Fields of `sort=field[:asc|desc]`; absent: the list knows no such parameter. */
  sort?: Record<string, (item: T) => string | number>;
}

/** All values of a query parameter, repeated or not; empty when it is absent. */
export function valuesOf(query: Query, name: string): string[] {
  const value = query[name];
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/**
 * Answers a list request: filtered, sorted, one page.
 * @throws ApiError invalid_input for a parameter or a value that the list does not know: ignoring one would show a
 * client more than it asked for
 */
export function listed<T>(items: readonly T[], query: Query, listing: Listing<T>): object {
  const { filters = {}, ignored = [], labels, sort } = listing;
  const others = [...(labels ? ["label_selector"] : []), ...(sort ? ["sort"] : [])];
  refuseUnknown(query, [...Object.keys(filters), ...ignored, ...others, "page", "per_page"]);
  const tests = Object.entries(filters).map(([name, filter]) => testOf(query, name, filter));
  const selector = valuesOf(query, "label_selector")[0];
  if (labels && selector) {
    const selects = parseSelector(selector);
    tests.push((item) => selects(labels(item)));
  }
  const found = items.filter((item) => tests.every((test) => test(item)));
  return paginate(sorted(found, query, sort ?? {}), query, listing.key, listing.present);
}

function refuseUnknown(query: Query, known: string[]): void {
  for (const name of Object.keys(query)) {
    if (!known.includes(name)) throw invalidField(name, `is no parameter of this list; it has ${known.join(", ")}`);
  }
}

function testOf<T>(query: Query, name: string, { of, values }: Filter<T>): (item: T) => boolean {
  const wanted = valuesOf(query, name);
  const strange = values && wanted.find((value) => !values.includes(value));
  if (strange !== undefined) throw invalidField(name, `'${strange}' is none of ${values?.join(", ")}`);
  return wanted.length === 0 ? () => true : (item) => wanted.includes(of(item));
}

/** Sorts by `sort`, several in the order given; unsorted lists stay in the order of ids. */
function sorted<T>(items: T[], query: Query, fields: Record<string, (item: T) => string | number>): T[] {
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

/** Cuts one page and makes the response `{[key]: items, meta: {pagination}}`; an empty page past the end. */
function paginate<T>(items: T[], query: Query, key: string, present: (item: T) => object): object {
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
