import { isDeepStrictEqual } from "node:util";
import { withoutHints } from "../connection/arguments";
import { fileMode } from "./content";
import { ROLE_FIELDS, clean } from "./inputs";

/** Lists whose order means nothing. */
const SETS = new Set(["packages", "absent", "state"]);
/**
 * Another one of these is another resource: what was made is removed where it was, and made anew where it is wanted.
 */
const REPLACING = ["role", "machine"] as const;

/** What an absent field of an entry means. */
const DEFAULTS: Record<string, (item: object) => object> = {
  files: (file) => ({ owner: "root", mode: fileMode(file) }),
  directories: () => ({ owner: "root", mode: "0755" }),
  units: () => ({ enabled: true, state: "started" }),
};

/** The fields that differ, defaults and the order of sets apart. */
export function changedFields(olds: object, news: object): (typeof ROLE_FIELDS)[number][] {
  const before = clean(olds) as Record<string, unknown>;
  const after = clean(news) as Record<string, unknown>;
  return ROLE_FIELDS.filter((field) => !isDeepStrictEqual(normal(field, before[field]), normal(field, after[field])));
}

/** The engine's question whether a role has to be touched, and whether it has to be another resource. */
export interface RoleDiff {
  /**
   * `undefined`: the inputs differ, and the engine is to find out in what. Then it shows that alone; of a plain `true`
   * it shows every input of the role. After a change that was left half made the inputs may be equal, which only we
   * know not to be enough.
   */
  changes: boolean | undefined;
  replaces: string[];
  deleteBeforeReplace: boolean;
}

/** Compares the state of a role with what is wanted. */
export function diffRole(olds: object, news: object): RoleDiff {
  const changed = changedFields(olds, news);
  const before = olds as Record<string, unknown>;
  const replaces: string[] = REPLACING.filter((field) => before[field] !== undefined && changed.includes(field));
  // Under another name the same paths can be claimed only after the first role has let them go.
  const wholeBefore = Boolean((olds as { hostId?: string }).hostId);
  const changes = changed.length > 0 && (wholeBefore ? undefined : true);
  return { changes, replaces, deleteBeforeReplace: replaces.includes("role") };
}

function normal(field: string, value: unknown): unknown {
  // An empty map or list says the same as none, and a default that is written out the same as one that is not.
  if (value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0))
    return undefined;
  if (field === "connection") return withoutHints(value);
  if (SETS.has(field) && Array.isArray(value)) return [...value].sort();
  const defaults = DEFAULTS[field];
  if (defaults === undefined || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      typeof item === "object" && item !== null ? { ...defaults(item), ...item } : item,
    ]),
  );
}
