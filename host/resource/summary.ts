/** What a change of a role does on its host, in one sentence. Pure. */
import { isDeepStrictEqual } from "node:util";
import { changedFields } from "./diff";
import { type FileInputs, type RoleInputs, isUnknown } from "./inputs";

/** What a field holds, by name or as a list, that comes and goes on the host by itself. */
const THINGS = ["packages", "packageSources", "directories", "links", "absent", "sysctls", "users"] as const;

/**
 * One line, or none where nothing changes on the host itself, as with another probe: which files change and by how many
 * lines, what else comes, goes or changes, and which units read anew for it. It holds no content, so no secret.
 */
export function changeSummary(olds: RoleInputs, news: RoleInputs): string[] {
  const changed = new Set<string>(changedFields(olds, news));
  const files = changed.has("files") ? fileChanges(olds.files ?? {}, news.files ?? {}) : new Map<string, string>();
  const words = [
    ...[...files].map(([path, how]) => `${path} ${how}`),
    ...THINGS.filter((field) => changed.has(field)).flatMap((field) => thingChanges(field, olds[field], news[field])),
    ...unitChanges(olds, news, new Set(files.keys())),
  ];
  return words.length === 0 ? [] : [`role ${news.role}: ${words.join("; ")}`];
}

function fileChanges(olds: Record<string, FileInputs>, news: Record<string, FileInputs>): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of Object.keys(olds)) if (news[path] === undefined) found.set(path, "goes");
  for (const [path, file] of Object.entries(news)) {
    const before = olds[path];
    if (before === undefined) found.set(path, "comes");
    else if (!isDeepStrictEqual(before, file)) found.set(path, fileChange(before, file));
  }
  return found;
}

function fileChange(before: FileInputs, after: FileInputs): string {
  if (isUnknown(after) || isUnknown(after.content)) return "may change";
  const how = [
    ...(before.content === after.content ? [] : [lineCounts(before.content, after.content)]),
    ...(isDeepStrictEqual(before.values ?? {}, after.values ?? {}) ? [] : ["other values"]),
    ...(isDeepStrictEqual(before.secrets ?? {}, after.secrets ?? {}) ? [] : ["another secret"]),
  ];
  return how.length > 0 ? `(${how.join(", ")})` : "(owner or mode)";
}

/** Lines that come and go, such as `+2 -1 lines`; the order counts for nothing. */
function lineCounts(before: string, after: string): string {
  const counts = new Map<string, number>();
  for (const line of after.split("\n")) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of before.split("\n")) counts.set(line, (counts.get(line) ?? 0) - 1);
  const sum = (sign: 1 | -1) => [...counts.values()].reduce((all, n) => all + Math.max(0, sign * n), 0);
  const [come, go] = [sum(1), sum(-1)];
  if (come + go === 0) return "lines in another order";
  return `${[...(come ? [`+${come}`] : []), ...(go ? [`-${go}`] : [])].join(" ")} line${come + go === 1 ? "" : "s"}`;
}

function thingChanges(field: string, olds: unknown, news: unknown): string[] {
  const [before, after] = [byName(olds), byName(news)];
  const words = [
    ...[...after.keys()].filter((name) => !before.has(name)).map((name) => `+${name}`),
    ...[...before.keys()].filter((name) => !after.has(name)).map((name) => `-${name}`),
    ...[...after.keys()].filter((name) => before.has(name) && !isDeepStrictEqual(before.get(name), after.get(name))),
  ];
  return words.length === 0 ? [] : [`${field} ${words.join(", ")}`];
}

function byName(value: unknown): Map<string, unknown> {
  if (Array.isArray(value)) return new Map(value.map((name) => [String(name), true]));
  return new Map(Object.entries((value as object | undefined) ?? {}));
}

/** Units that come and go, and those that read anew since a path that they name has changed. */
function unitChanges(olds: RoleInputs, news: RoleInputs, paths: ReadonlySet<string>): string[] {
  const [before, after] = [olds.units ?? {}, news.units ?? {}];
  const touches = (triggers: string[] = []) => triggers.some((path) => paths.has(path));
  return [
    ...Object.keys(before).flatMap((unit) => (after[unit] === undefined ? [`${unit} stops`] : [])),
    ...Object.entries(after).flatMap(([unit, { reloadOn, restartOn, state }]) => {
      if (before[unit] === undefined) return [state === "stopped" ? `${unit} stops` : `${unit} starts`];
      if (touches(restartOn)) return [`${unit} restarts`];
      return touches(reloadOn) ? [`${unit} reloads`] : [];
    }),
  ];
}
