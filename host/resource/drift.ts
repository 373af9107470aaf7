import { digestOf, fileMode, fill, isSecret } from "./content";
import { clean, type FileInputs, type RoleInputs, type RoleOutputs } from "./inputs";

/** What stands at a path, as the agent tells it. */
interface Found {
  kind: "absent" | "file" | "directory" | "link" | "special";
  mode?: string;
  owner?: string;
  group?: string;
  target?: string;
  same?: boolean;
  content?: string;
  size?: number;
}

interface UnitFound {
  load: string;
  enabled: string;
  active: string;
  sub: string;
  result: string;
  type: string;
  /** Files of another hand that override it. */
  overrides?: string[];
}

/** The agent's answer to a `read` request. */
export interface Facts {
  known: boolean;
  owner: string | null;
  id: string | null;
  machine: string;
  files: Record<string, Found>;
  directories: Record<string, Found>;
  links: Record<string, Found>;
  present: string[];
  sysctls: Record<string, string | null>;
  /** The file that makes sysctls survive a reboot, with what was applied; null when it is as applied. */
  sysctlFile?: (Found & { path: string; applied: string }) | null;
  users: Record<string, { home: string; shell: string; groups: string[] } | null>;
  units: Record<string, UnitFound>;
  missing: string[];
  /** Packages whose source another hand has changed. */
  sources?: string[];
  observed: Record<string, string>;
}

const ON = [
  "enabled",
  "enabled-runtime",
  "static",
  "indirect",
  "generated",
  "alias",
  "linked",
  "linked-runtime",
  "transient",
];
/** Last line of the content of a drifted file with secrets. */
const MARK = /\[drift: found on the host, lines hidden because the file holds secrets; digest [0-9a-f]+\]$/;
const RUNNING = ["active", "reloading", "activating", "refreshing"];

/**
 * The inputs as the host has them: what is as wanted stays word for word, what differs carries the live value under the
 * same path, and what is gone is left out. So a refresh shows drift by line, and the next preview how it is mended.
 */
export function liveInputs(state: RoleOutputs, facts: Facts): RoleInputs {
  const live = clean<RoleInputs>({
    ...inputsOf(state),
    files: each(state.files, (path, file) => liveFile(path, file, facts.files[path])),
    directories: each(state.directories, (path, wanted) =>
      liveOwnership(wanted, facts.directories[path], "directory", wanted.mode ?? "0755"),
    ),
    links: each(state.links, (path) => liveLink(facts.links[path])),
    absent: state.absent?.filter((path) => !facts.present.includes(path)),
    sysctls: liveSysctls(state.sysctls, facts),
    users: each(state.users, (name, wanted) => liveUser(wanted, facts.users[name])),
    units: each(state.units, (name, wanted) => liveUnit(wanted, facts.units[name])),
    packages: state.packages?.filter((name) => !facts.missing.includes(name)),
    packageSources: each(state.packageSources, (name, source) => (facts.sources?.includes(name) ? undefined : source)),
    live: each(state.live, (name, { command }) => {
      const applied = state.observed?.[name];
      const now = facts.observed[name];
      if (applied === undefined || now === undefined || applied === now) return { command };
      return { command, drifted: lineDifference(applied, now) };
    }),
  });
  return live;
}

/**
 * The inputs of a role whose host has lost its Python: nothing of them could be looked at, and the next update installs
 * it and makes them so.
 */
export function withoutPython(state: RoleOutputs): RoleInputs {
  const drifted = "python3 is not on the host any more";
  return clean<RoleInputs>({
    ...inputsOf(state),
    live: { ...state.live, python3: { command: ["python3", "--version"], drifted } },
  });
}

/** The inputs among a state's properties. */
export function inputsOf(state: RoleOutputs): RoleInputs {
  const inputs: Partial<RoleOutputs> = { ...state };
  delete inputs.hostId;
  delete inputs.observed;
  return inputs as RoleInputs;
}

function each<T, U>(
  map: Record<string, T> | undefined,
  change: (key: string, value: T) => U | undefined,
): Record<string, U> | undefined {
  if (map === undefined) return undefined;
  const entries = Object.entries(map).map(([key, value]) => [key, change(key, value)] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, U] => entry[1] !== undefined));
}

/** What stands at a path in place of something else, in words. */
function standing(found: Found): string {
  if (found.kind === "special") return "a device, socket or pipe stands here";
  return `a ${found.kind} stands here${found.target === undefined ? "" : ` (to ${found.target})`}`;
}

function liveLink(found: Found | undefined): string | undefined {
  if (found === undefined || found.kind === "absent") return undefined;
  return found.kind === "link" ? found.target : `[drift: ${standing(found)}]`;
}

/** Live values by key, and by its path what was done to the file that sets them at boot. */
function liveSysctls(state: Record<string, string> | undefined, facts: Facts): Record<string, string> | undefined {
  const values = each(sysctlValues(state), (key, wanted) => {
    const found = facts.sysctls[key];
    return found === null || found === undefined ? undefined : same(found, wanted) ? wanted : found;
  });
  const file = facts.sysctlFile;
  return file === null || file === undefined || values === undefined
    ? values
    : { ...values, [file.path]: `[drift: ${sysctlFileDrift(file)}]` };
}

function sysctlFileDrift(file: Found & { applied: string }): string {
  if (file.kind === "absent") return "the file is gone: the values would not survive a reboot";
  if (file.kind !== "file") return standing(file);
  if (file.same) return `owner ${file.owner}:${file.group}, mode ${file.mode}`;
  return file.content === undefined ? "another content" : lineDifference(file.applied, file.content);
}

/** Sysctls without what an earlier refresh has said about their file. */
export function sysctlValues(sysctls: Record<string, string> | undefined): Record<string, string> | undefined {
  return each(sysctls, (key, value) => (key.startsWith("/") ? undefined : value));
}

function same(found: string, wanted: string): boolean {
  return found.split(/\s+/).join(" ") === wanted.split(/\s+/).join(" ");
}

function liveFile(path: string, wanted: FileInputs, found: Found | undefined): FileInputs | undefined {
  if (found === undefined || found.kind === "absent") return undefined;
  const attributes = liveOwnership(wanted, found, "file", fileMode(wanted));
  if (attributes === undefined) return undefined;
  if (found.kind !== "file") return { ...wanted, content: `[drift: ${standing(found)}]` };
  if (found.same) return { ...attributes, content: wanted.content };
  return { ...attributes, content: liveContent(path, wanted, found) };
}

function liveContent(path: string, wanted: FileInputs, found: Found): string {
  if (found.content === undefined)
    return `[drift: content differs, not shown: ${found.size} bytes that are no short text]`;
  if (!isSecret(wanted)) return withPlaceholders(wanted, found.content);
  return withoutSecrets(path, wanted, found.content);
}

/**
 * The live text of a file without secrets: a line that is as applied shows as in the template, so that it is no
 * difference.
 */
function withPlaceholders(wanted: FileInputs, live: string): string {
  if (wanted.values === undefined) return live;
  const template = new Map(wanted.content.split("\n").map((line) => [fill({ ...wanted, content: line }), line]));
  return live
    .split("\n")
    .map((line) => template.get(line) ?? line)
    .join("\n");
}

/**
 * The live text of a file with secrets: a line that is as applied shows as in the template, with its placeholder; any
 * other line is hidden, for a hand edit may have put another secret there and nobody could tell.
 */
function withoutSecrets(path: string, wanted: FileInputs, live: string): string {
  const digest = `[drift: found on the host, lines hidden because the file holds secrets; digest ${digestOf(path, live)}]`;
  // After an earlier refresh the state holds what was found then and not the template: nothing more can be told.
  if (MARK.test(wanted.content)) return wanted.content.replace(MARK, digest);
  const shown = new Map<string, string | undefined>();
  for (const line of wanted.content.split("\n")) {
    const [first, ...rest] = fill({ ...wanted, content: line }).split("\n");
    shown.set(first!, line);
    for (const more of rest) if (!shown.has(more)) shown.set(more, undefined);
  }
  const lines = live.split("\n").map((line) => (shown.has(line) ? shown.get(line) : "[drift: another line, hidden]"));
  return [...lines.filter((line) => line !== undefined), digest].join("\n");
}

function liveOwnership<T extends { owner?: string; group?: string; mode?: string; drifted?: string }>(
  wanted: T,
  found: Found | undefined,
  kind: string,
  mode: string,
): T | undefined {
  if (found === undefined || found.kind === "absent") return undefined;
  if (found.kind !== kind) return { ...wanted, drifted: standing(found) };
  const live: T = { ...wanted };
  if (found.mode !== undefined && found.mode !== mode) live.mode = found.mode;
  if (found.owner !== undefined && found.owner !== (wanted.owner ?? "root")) live.owner = found.owner;
  const ownGroup = wanted.group ?? wanted.owner ?? "root";
  if (
    found.group !== undefined &&
    found.group !== ownGroup &&
    (wanted.group !== undefined || found.group !== live.owner)
  )
    live.group = found.group;
  return live;
}

function liveUser<T extends { home?: string; shell?: string; groups?: string[] }>(
  wanted: T,
  found: { home: string; shell: string; groups: string[] } | null | undefined,
): T | undefined {
  if (!found) return undefined;
  const live: T = { ...wanted };
  if (wanted.home !== undefined) live.home = found.home;
  if (wanted.shell !== undefined) live.shell = found.shell;
  if (wanted.groups !== undefined) live.groups = wanted.groups.filter((group) => found.groups.includes(group));
  return live;
}

/** A unit's live state in the words of its arguments, and systemd's own word where those do not fit. */
function liveUnit<T extends { enabled?: boolean; state?: string; overriddenBy?: string[] }>(
  wanted: T,
  found: UnitFound | undefined,
): T | undefined {
  if (found === undefined || found.load === "not-found") return undefined;
  const live: T = { ...wanted };
  delete live.overriddenBy;
  if (found.overrides?.length) live.overriddenBy = found.overrides;
  const on = ON.includes(found.enabled);
  const off = wanted.enabled === false && wanted.state === "stopped";
  if (found.enabled.startsWith("masked") && !off) (live as { enabled?: unknown }).enabled = "masked";
  else if (on !== (wanted.enabled ?? true) && found.enabled !== "static") live.enabled = on;
  const ended = found.type === "oneshot" && found.active === "inactive" && found.result === "success";
  if ((wanted.state ?? "started") === "started") {
    if (!RUNNING.includes(found.active) && !ended) live.state = found.active === "failed" ? "failed" : "stopped";
  } else if (RUNNING.includes(found.active)) live.state = "started";
  return live;
}

/** What was applied and what is there, by line: "- " gone, "+ " new. Order within the text is kept. */
export function lineDifference(applied: string, now: string): string {
  const before = applied === "" ? [] : applied.split("\n");
  const after = now === "" ? [] : now.split("\n");
  const gone = without(before, after).map((line) => `- ${line}`);
  const added = without(after, before).map((line) => `+ ${line}`);
  const lines = [...gone, ...added];
  return lines.length > 0 ? lines.join("\n") : "the same lines in another order";
}

/** Lines of `left` that `right` does not have as often. */
function without(left: string[], right: string[]): string[] {
  const count = new Map<string, number>();
  for (const line of right) count.set(line, (count.get(line) ?? 0) + 1);
  return left.filter((line) => {
    const times = count.get(line) ?? 0;
    if (times > 0) count.set(line, times - 1);
    return times === 0;
  });
}
