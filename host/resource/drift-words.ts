import { lineDifference } from "./drift";
import type { FileInputs, RoleInputs } from "./inputs";
import { isSecret } from "./content";

/**
 * What a refresh has found, in sentences: what was applied and what is there. The diff of the resource says the same by
 * argument and line; these are for whoever reads along.
 */
export function driftWords(applied: RoleInputs, live: RoleInputs): string[] {
  return [
    ...compare(applied.files, live.files, (path, was, is) => fileWords(path, was, is)),
    ...compare(applied.directories, live.directories, (path, was, is) =>
      is.drifted === undefined ? ownershipWords(path, was, is) : [`${path}: ${is.drifted}, applied was a directory`],
    ),
    ...compare(applied.links, live.links, (path, was, is) =>
      was === is ? [] : [`${path}: ${is}, applied was ${was}`],
    ),
    ...missing(applied.absent, live.absent).map((path) => `${path}: is there, and is to be absent`),
    ...missing(applied.packages, live.packages).map((name) => `package ${name}: is not installed any more`),
    ...missing(Object.keys(applied.packageSources ?? {}), Object.keys(live.packageSources ?? {})).map(
      (name) => `source of package ${name}: its key, its pin or itself is not as applied`,
    ),
    ...sysctlWords(applied.sysctls ?? {}, live.sysctls ?? {}),
    ...compare(applied.users, live.users, userWords, "user "),
    ...compare(applied.units, live.units, unitWords, "unit "),
    ...compare(applied.live, live.live, (name, was, is) =>
      is.drifted === undefined || is.drifted === was.drifted ? [] : [`${name}: ${is.drifted.split("\n").join(", ")}`],
    ),
  ];
}

function compare<T>(
  applied: Record<string, T> | undefined,
  live: Record<string, T> | undefined,
  words: (name: string, was: T, is: T) => string[],
  kind = "",
): string[] {
  return Object.entries(applied ?? {}).flatMap(([key, was]) => {
    const is = live?.[key];
    return is === undefined ? [`${kind}${key}: is gone`] : words(`${kind}${key}`, was, is);
  });
}

function missing(applied: string[] | undefined, live: string[] | undefined): string[] {
  return (applied ?? []).filter((item) => !live?.includes(item));
}

function fileWords(path: string, was: FileInputs, is: FileInputs): string[] {
  const attributes = ownershipWords(path, was, is);
  if (was.content === is.content) return attributes;
  if (is.content.startsWith("[drift: ") && !is.content.includes("\n"))
    return [...attributes, `${path}: ${is.content.slice("[drift: ".length, -1)}`];
  if (isSecret(was)) return [...attributes, `${path}: its content was changed; it holds secrets, so it is not shown`];
  const lines = lineDifference(was.content, is.content).split("\n");
  const count = (mark: string) => lines.filter((line) => line.startsWith(mark)).length;
  return [...attributes, `${path}: its content was changed, lines gone: ${count("- ")}, new: ${count("+ ")}`];
}

type Owned = { owner?: string; group?: string; mode?: string };

/** Only what differs is in the live entry beside what was applied. */
function ownershipWords(path: string, was: Owned, is: Owned): string[] {
  return (["owner", "group", "mode"] as const).flatMap((field) => {
    if (is[field] === was[field]) return [];
    const before = was[field] === undefined ? "the default" : was[field];
    return [`${path}: ${field} is ${is[field] ?? "the default"}, applied was ${before}`];
  });
}

function sysctlWords(applied: Record<string, string>, live: Record<string, string>): string[] {
  return [...new Set([...Object.keys(applied), ...Object.keys(live)])].flatMap((key) => {
    const [was, is] = [applied[key], live[key]];
    if (was === is) return [];
    if (key.startsWith("/"))
      return is === undefined ? [] : [`${key}: ${is.slice("[drift: ".length, -1).split("\n").join(", ")}`];
    return [`sysctl ${key}: is ${is ?? "not known to the kernel"}, applied was ${was}`];
  });
}

type User = NonNullable<RoleInputs["users"]>[string];

function userWords(name: string, was: User, is: User): string[] {
  return [
    ...(["home", "shell"] as const).flatMap((field) =>
      was[field] === is[field] ? [] : [`${name}: ${field} is ${is[field]}, applied was ${was[field]}`],
    ),
    ...missing(was.groups, is.groups).map((group) => `${name}: is not in group ${group} any more`),
  ];
}

type Unit = NonNullable<RoleInputs["units"]>[string];

function unitWords(name: string, was: Unit, is: Unit): string[] {
  const state = (unit: Unit) => {
    const enabled: unknown = unit.enabled ?? true;
    return `${enabled === true ? "enabled" : enabled === false ? "disabled" : String(enabled)} and ${unit.state ?? "started"}`;
  };
  return [
    ...(state(was) === state(is) ? [] : [`${name}: is ${state(is)}, applied was ${state(was)}`]),
    ...missing(is.overriddenBy, was.overriddenBy).map((path) => `${name}: is overridden by ${path}`),
  ];
}
