import { ApiError } from "./errors";

/** Query of a request: a repeated parameter is an array. */
export type Query = Record<string, string | string[] | undefined>;

/** First value of a query parameter. */
export function valueOf(query: Query, name: string): string | undefined {
  const value = query[name];
  return Array.isArray(value) ? value[0] : value;
}

/** A successful answer. */
export function success(result: unknown, messages: object[] = []): object {
  return { success: true, errors: [], messages, result };
}

/**
 * One page of a list with result_info; an empty list past the end, where the official client stops.
 * @throws ApiError 1004 for a page or page size that is no positive number
 */
export function page<T>(
  items: T[],
  query: Query,
  options: { perPage: number; max: number },
  present: (item: T) => object,
) {
  const number = positive(query, "page", 1, Number.MAX_SAFE_INTEGER);
  const perPage = positive(query, "per_page", options.perPage, options.max);
  const result = items.slice((number - 1) * perPage, number * perPage).map(present);
  const result_info = {
    page: number,
    per_page: perPage,
    count: result.length,
    total_count: items.length,
    total_pages: Math.ceil(items.length / perPage),
  };
  return { ...success(result), result_info };
}

/** Keeps what a text filter asks for: `name=x`, or `name.exact`, `.contains`, `.startswith`, `.endswith`; not case-sensitive. */
export function textFilters<T>(
  query: Query,
  field: string,
  textOf: (item: T) => string | undefined,
): ((item: T) => boolean)[] {
  const tests: Record<string, (text: string, wanted: string) => boolean> = {
    "": (text, wanted) => text === wanted,
    ".exact": (text, wanted) => text === wanted,
    ".contains": (text, wanted) => text.includes(wanted),
    ".startswith": (text, wanted) => text.startsWith(wanted),
    ".endswith": (text, wanted) => text.endsWith(wanted),
  };
  return Object.entries(tests).flatMap(([suffix, test]) => {
    const wanted = valueOf(query, field + suffix)?.toLowerCase();
    return wanted === undefined ? [] : [(item: T) => test((textOf(item) ?? "").toLowerCase(), wanted)];
  });
}

function positive(query: Query, name: string, fallback: number, max: number): number {
  const text = valueOf(query, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new ApiError(400, 1004, `${name} must be a number from 1 to ${max}`);
  }
  return value;
}
