import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { digestOfFile, fileMode, fill, isSecret } from "./content";
import { type FileInputs, type RoleInputs, holdsUnknown, isUnknown } from "./inputs";
import { sysctlValues } from "./drift";
import { portsOf } from "./ports";
import { secretValues } from "./secrets";
import { touchesWayIn } from "./way-in";

/** Default time for the new connection of a change that could cut the way in. */
const CONFIRM_SECONDS = 60;

/** A name for one transaction. */
export function transactionId(): string {
  return randomBytes(8).toString("hex");
}

/**
 * Seconds within which a change must be confirmed over a new connection; 0: not at all. A role that says nothing is
 * judged by what it touches.
 */
export function confirmSeconds(inputs: RoleInputs): number {
  const confirm = inputs.confirm ?? touchesWayIn(inputs) !== undefined;
  if (typeof confirm === "boolean") return confirm ? CONFIRM_SECONDS : 0;
  return confirm.timeoutSeconds;
}

/**
 * The agent's `apply` request. Contents are filled in: it goes over stdin and nowhere else. `reread`: live state was
 * changed by another hand while the files are right, so running units read them again.
 */
export function applyRequest(inputs: RoleInputs, id: string, tx: string, reread = false): object {
  const files = Object.entries(inputs.files ?? {}).map(([path, file]) => [
    path,
    {
      content: fill(file),
      owner: file.owner ?? "root",
      ...(file.group === undefined ? {} : { group: file.group }),
      mode: fileMode(file),
    },
  ]);
  return {
    action: "apply",
    tx,
    id,
    role: inputs.role,
    owner: inputs.owner,
    packages: inputs.packages ?? [],
    packageSources: inputs.packageSources ?? {},
    directories: inputs.directories ?? {},
    files: Object.fromEntries(files),
    links: inputs.links ?? {},
    absent: inputs.absent ?? [],
    state: inputs.state ?? [],
    sysctls: inputs.sysctls ?? {},
    users: inputs.users ?? {},
    units: inputs.units ?? {},
    ports: portsOf(inputs.ports),
    checks: inputs.checks ?? [],
    probes: inputs.probes ?? [],
    live: liveCommands(inputs),
    confirm: confirmSeconds(inputs),
    reread,
    secrets: secretValues(inputs),
  };
}

/** The agent's `remove` request. */
export function removeRequest(inputs: RoleInputs, id: string, tx: string): object {
  return {
    action: "remove",
    lastWay: inputs.lastWay ?? false,
    beforeDelete: inputs.beforeDelete ?? [],
    tx,
    id,
    role: inputs.role,
    owner: inputs.owner,
    confirm: confirmSeconds(inputs),
    secrets: secretValues(inputs),
  };
}

/** What a `read` request asks of one role: names, and digests instead of contents. */
export function readRequest(inputs: RoleInputs, id: string): object {
  const files = Object.entries(inputs.files ?? {}).map(([path, file]) => [path, { sha256: digestOfFile(file) }]);
  return {
    id,
    role: inputs.role,
    files: Object.fromEntries(files),
    directories: Object.keys(inputs.directories ?? {}),
    links: Object.keys(inputs.links ?? {}),
    absent: inputs.absent ?? [],
    sysctls: Object.keys(sysctlValues(inputs.sysctls) ?? {}),
    users: Object.keys(inputs.users ?? {}),
    units: Object.keys(inputs.units ?? {}),
    packages: inputs.packages ?? [],
    packageSources: inputs.packageSources ?? {},
    live: liveCommands(inputs),
    secrets: secretValues(inputs),
  };
}

/** What a survey knows beside a role's inputs. */
export interface SurveyContext {
  /** Who the role's stack is, and was before it was renamed. */
  owners: string[];
  /** The role is new on the host: what it would replace is told. Else only what would stop it. */
  made: boolean;
  /** The same update brings apt sources to the host: a package that is missing may come with them. */
  sources: boolean;
}

/**
 * The agent's `survey` request: what is known already, and of files with secrets only a digest. Of a role that is there
 * already less is sent, and no secret. `olds`: what the role was, whose equal files need no room.
 */
export function surveyRequest(inputs: RoleInputs, context: SurveyContext, olds: Partial<RoleInputs> = {}): object {
  const { made } = context;
  const files = Object.entries(inputs.files ?? {}).map(([path, file]) => {
    const same = isDeepStrictEqual(file, olds.files?.[path]);
    const bytes = same || isUnknown(file.content) ? 0 : Buffer.byteLength(file.content);
    return [path, { bytes, ...(made ? fileSurvey(file) : {}) }];
  });
  return {
    action: "survey",
    role: inputs.role,
    owner: inputs.owner,
    ...context,
    files: Object.fromEntries(files),
    packages: known(inputs.packages) ?? [],
    packageSources: known(inputs.packageSources) ?? {},
    directories: known(inputs.directories) ?? {},
    links: known(inputs.links) ?? {},
    absent: known(inputs.absent) ?? [],
    sysctls: known(inputs.sysctls) ?? {},
    users: known(inputs.users) ?? {},
    units: known(inputs.units) ?? {},
    ports: portsOf(inputs.ports),
    ...(made ? { secrets: secretValues(inputs) } : {}),
  };
}

/** A file that a new role brings, to be compared with what stands there. */
function fileSurvey(file: FileInputs): object {
  return {
    ...(file.owner === undefined ? { owner: "root" } : { owner: file.owner }),
    ...(file.group === undefined ? {} : { group: file.group }),
    mode: fileMode(file),
    ...(holdsUnknown(file) ? {} : { sha256: digestOfFile(file) }),
    ...(holdsUnknown(file) || isSecret(file) ? {} : { content: fill(file) }),
  };
}

/** A part of the inputs, unless something in it is not known yet. */
function known<T>(part: T): T | undefined {
  return holdsUnknown(part) ? undefined : part;
}

function liveCommands(inputs: RoleInputs): object {
  return Object.fromEntries(Object.entries(inputs.live ?? {}).map(([name, item]) => [name, { command: item.command }]));
}
