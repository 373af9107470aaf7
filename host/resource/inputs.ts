import type { PackageSourceArgs, ProbeArgs } from "../args";
import type { Connection } from "../connection/arguments";
import type { Port } from "./ports";

/** What stands for a value that a preview does not know yet (the engine's own sentinel, as plain text). */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * What the program says beside a role's inputs in a preview alone, where a provider cannot tell by itself what it runs
 * in. It reaches the provider's check, which leaves it out: no state, no diff and no output holds it.
 */
export const PREVIEW = "preview";

/** Whether a value is not known yet. */
export function isUnknown(value: unknown): boolean {
  return value === UNKNOWN;
}

/** Whether a value, or one inside it, is not known yet. */
export function holdsUnknown(value: unknown): boolean {
  if (isUnknown(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsUnknown);
}

/** A managed file with its Outputs resolved. */
export interface FileInputs {
  content: string;
  secrets?: Record<string, string>;
  values?: Record<string, string>;
  owner?: string;
  group?: string;
  mode?: string;
}

/** Inputs of a role as the engine hands them over: HostRoleArgs with every Output resolved, and who owns it. */
export interface RoleInputs {
  connection: Connection;
  role: string;
  /** Project, stack and resource name: tells two stacks with a role of the same name apart. */
  owner: string;
  machine?: string;
  packages?: string[];
  packageSources?: Record<string, PackageSourceArgs>;
  directories?: Record<string, { owner?: string; group?: string; mode?: string; drifted?: string }>;
  files?: Record<string, FileInputs>;
  links?: Record<string, string>;
  absent?: string[];
  state?: string[];
  sysctls?: Record<string, string>;
  users?: Record<string, { system?: boolean; home?: string; shell?: string; groups?: string[] }>;
  units?: Record<
    string,
    { enabled?: boolean; state?: string; reloadOn?: string[]; restartOn?: string[]; overriddenBy?: string[] }
  >;
  ports?: Port[];
  checks?: { command: (string | { staged: string })[]; description?: string }[];
  probes?: ProbeArgs[];
  confirm?: boolean | { timeoutSeconds: number };
  lastWay?: boolean | { interface: string; unless: string };
  installsHostKey?: { first?: string[] };
  beforeDelete?: ProbeArgs[];
  live?: Record<string, { command: string[]; drifted?: string }>;
  __provider?: string;
}

/** State of a role: its inputs, and what the host said when it was last applied. */
export interface RoleOutputs extends RoleInputs {
  /** The host's own machine-id(5). */
  hostId: string;
  /** What the live commands printed right after the last apply. */
  observed: Record<string, string>;
}

/** The fields that a person gives, in the order of the documentation. */
export const ROLE_FIELDS = [
  "connection",
  "role",
  "owner",
  "machine",
  "packages",
  "packageSources",
  "directories",
  "files",
  "links",
  "absent",
  "state",
  "sysctls",
  "users",
  "units",
  "ports",
  "checks",
  "probes",
  "confirm",
  "lastWay",
  "installsHostKey",
  "beforeDelete",
  "live",
] as const;

/** A copy without undefined values, which the engine cannot store. */
export function clean<T>(value: T): T {
  if (Array.isArray(value)) return value.filter((item) => item !== undefined).map((item) => clean<unknown>(item)) as T;
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(kept.map(([key, item]) => [key, clean(item)])) as T;
}
