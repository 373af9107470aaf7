import { ApiError, GENERAL } from "./errors";

/** Query of a request: a repeated parameter is an array. */
export type Query = Record<string, string | string[] | undefined>;

/** Parameters of every list. */
export const PAGING = ["page", "per_page"];

/** First value of a query parameter. */
export function valueOf(query: Query, name: string): string | undefined {
  const value = query[name];
  return Array.isArray(value) ? value[0] : value;
}

/** As valueOf, of a closed list of values. @throws ApiError for any other value */
export function choiceOf<T extends string>(query: Query, name: string, values: readonly T[]): T | undefined {
  const value = valueOf(query, name);
  if (value === undefined || values.includes(value as T)) return value as T | undefined;
  throw new ApiError(400, GENERAL, `${name} must be one of ${values.join(", ")}`);
}

/** A successful answer. */
export function success(result: unknown, messages: object[] = []): object {
  return { success: true, errors: [], messages, result };
}

/**
 * Refuses parameters that a list does not know: ignoring a filter would show a client more than it asked for, and
 * Cloudflare's own documents say of none what it does.
 * @throws ApiError that names the parameter and those that there are
 */
export function requireKnown(query: Query, known: readonly string[]): void {
  const strange = Object.keys(query).find((name) => !known.includes(name));
  if (strange === undefined) return;
  throw new ApiError(400, GENERAL, `${strange} is no parameter of this list here; it has ${known.join(", ")}`);
}

/**
 * One page of a list with result_info; an empty list past the end, where the official client stops.
 * @throws ApiError for a page or page size that is no positive number
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

const TEXT_TESTS: Record<string, (text: string, wanted: string) => boolean> = {
  "": (text, wanted) => text === wanted,
  ".exact": (text, wanted) => text === wanted,
  ".contains": (text, wanted) => text.includes(wanted),
  ".startswith": (text, wanted) => text.startsWith(wanted),
  ".endswith": (text, wanted) => text.endsWith(wanted),
};

/** The parameters that textFilters reads for a field. */
export function textParameters(field: string): string[] {
  return Object.keys(TEXT_TESTS).map((suffix) => field + suffix);
}

/**
 * Keeps what a text filter asks for: `name=x`, or `name.exact`, `.contains`, `.startswith`, `.endswith`; not
 * case-sensitive.
 */
export function textFilters<T>(
  query: Query,
  field: string,
  textOf: (item: T) => string | undefined,
): ((item: T) => boolean)[] {
  return Object.entries(TEXT_TESTS).flatMap(([suffix, test]) => {
    const wanted = valueOf(query, field + suffix)?.toLowerCase();
    return wanted === undefined ? [] : [(item: T) => test((textOf(item) ?? "").toLowerCase(), wanted)];
  });
}

function positive(query: Query, name: string, fallback: number, max: number): number {
  const text = valueOf(query, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new ApiError(400, GENERAL, `${name} must be a number from 1 to ${max}`);
  }
  return value;
}
