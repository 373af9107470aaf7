import { isDeepStrictEqual } from "node:util";
import { ROLE_FIELDS, clean } from "./inputs";

/** Lists whose order means nothing. */
const SETS = new Set(["packages", "absent"]);
/** Another one of these is another resource: what was made is removed where it was, and made anew where it is wanted. */
const REPLACING = ["role", "machine"] as const;

/** The engine's question whether a role has to be touched, and whether it has to be another resource. */
export function diffRole(
  olds: object,
  news: object,
): { changes: boolean; replaces: string[]; deleteBeforeReplace: boolean } {
  const before = clean(olds) as Record<string, unknown>;
  const after = clean(news) as Record<string, unknown>;
  const differs = (field: string) => !isDeepStrictEqual(normal(field, before[field]), normal(field, after[field]));
  const changed = ROLE_FIELDS.filter(differs);
  const replaces: string[] = REPLACING.filter((field) => before[field] !== undefined && changed.includes(field));
  // Under another name the same paths can be claimed only after the first role has let them go.
  return { changes: changed.length > 0, replaces, deleteBeforeReplace: replaces.includes("role") };
}

function normal(field: string, value: unknown): unknown {
  // An empty map or list says the same as none.
  if (value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0))
    return undefined;
  return SETS.has(field) && Array.isArray(value) ? [...value].sort() : value;
}
