import * as pulumi from "@pulumi/pulumi";
import { agentDigest, agentModules, enrolmentModule } from "../agent";
import type { HostRoleArgs } from "../args";
import { checkRole } from "../resource/check";
import type { RoleInputs } from "../resource/inputs";
import { applyRequest } from "../resource/request";

/** What a role wants on a host, without the way to it. */
export type RoleContent = Omit<HostRoleArgs, "connection" | "machine">;

/** A role's content with every Output resolved. */
type ResolvedContent = Omit<RoleInputs, "connection" | "machine" | "owner">;

/**
 * The script that brings roles onto a host that cannot be reached yet: POSIX sh, to be run there as root by any way.
 * Secret.
 *
 * It holds the host's agent and the same requests that would go over SSH, so the HostRoles of the same names find
 * nothing to do and adopt what it made. Run again it changes what differs. With the argument `remove` it takes
 * everything of this stack back.
 *
 * @param host the host's name, for the script's words
 * @param roles in the order in which they are applied; their probes are only reported
 */
export function enrolmentScript(host: string, roles: RoleContent[]): pulumi.Output<string> {
  const owner = `${pulumi.getProject()}/${pulumi.getStack()}/enrolment of ${host}`;
  const resolved = pulumi.output(roles) as unknown as pulumi.Output<ResolvedContent[]>;
  return pulumi.secret(resolved.apply((contents) => renderScript(host, owner, contents)));
}

/** What no HostRole checks, since the script goes to the host by another way. The values are not repeated. */
function checkContents(host: string, roles: readonly ResolvedContent[]): void {
  const failures = roles.flatMap((role, index) =>
    checkRole(role)
      .filter(({ property }) => property !== "connection")
      .map(({ reason }) => `roles[${index}].${reason}`),
  );
  if (failures.length > 0) throw new pulumi.RunError(`the script that joins ${host}:\n  - ${failures.join("\n  - ")}`);
}

/**
 * The script's text, from resolved roles. Pure.
 *
 * @throws RunError with every argument of a role that breaks its grammar
 */
export function renderScript(host: string, owner: string, roles: readonly ResolvedContent[]): string {
  checkContents(host, roles);
  const modules = agentModules();
  const requests = roles.map((role) => applyRequest({ ...role, owner } as RoleInputs, "", ""));
  const request = { host, digest: agentDigest(), modules: modules.map(([name]) => name), roles: requests };
  return [
    "#!/bin/sh",
    `# Brings ${host} into the intranet of ${owner.split("/").slice(0, 2).join("/")}. Run it on ${host} as root: sh THIS-FILE`,
    "# It can be run again at any time and then changes only what differs. `sh THIS-FILE remove` takes everything back.",
    "# What it sets is listed in request.json below; the programs after it do that. They are the ones that pulumi-intranet",
    "# uses over SSH, and undo what they have begun when something fails.",
    "# IT HOLDS PRIVATE KEYS. Let nobody read it, and delete it when it has run.",
    "set -eu",
    "umask 077",
    "",
    "# A function, so that nothing runs unless all of it has arrived.",
    "main() {",
    'if [ "$(id -u)" != 0 ]; then',
    '\techo "This has to be run as root." >&2',
    "\texit 77",
    "fi",
    "if ! command -v python3 >/dev/null; then",
    '\techo "Installing python3, which this needs."',
    "\texport DEBIAN_FRONTEND=noninteractive",
    "\tapt-get -o DPkg::Lock::Timeout=300 update -q </dev/null >/dev/null",
    "\tapt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends python3 </dev/null >/dev/null",
    "fi",
    "# In memory: no key is written to a disk but where it belongs.",
    "folder=$(mktemp -d /run/intranet-enrol.XXXXXXXXXX)",
    "trap 'rm -rf \"$folder\"' EXIT",
    "trap 'exit 1' HUP INT TERM",
    ...hereDocument("request.json", `${JSON.stringify(request, undefined, 1)}\n`),
    ...[...modules, enrolmentModule()].flatMap(([name, source]) => hereDocument(`${name}.py`, source)),
    'python3 -B "$folder/enrol.py" "$folder" "$@" </dev/null',
    "}",
    'main "$@"',
    "",
  ].join("\n");
}

/** Writes a file into the script's folder. The quoted delimiter keeps the shell from reading anything in the text. */
function hereDocument(name: string, text: string): string[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new RangeError(`${name} does not end with a line feed`);
  let delimiter = "END_OF_FILE";
  for (let number = 2; lines.includes(delimiter); number += 1) delimiter = `END_OF_FILE_${number}`;
  return [`cat >"$folder/${name}" <<'${delimiter}'`, ...lines, delimiter];
}
