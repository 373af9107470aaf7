/** Certificates as managed files. */
import type * as pulumi from "@pulumi/pulumi";
import type { RoleContent } from "../host-identity/roles";

/**
 * A certificate as a managed file: its text shows as changed or unchanged, and may be unknown in a preview. Anybody on
 * the host may read it.
 */
export function certificateFile(certificate: pulumi.Input<string>): NonNullable<RoleContent["files"]>[string] {
  return { content: "{{certificate}}", values: { certificate } };
}
