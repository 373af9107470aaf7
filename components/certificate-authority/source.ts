/** The package source of step-ca, as a role has it. Pure. */
import type { PackageSourceArgs } from "../../host";
import { plainFingerprint, SMALLSTEP, type StepCaSource } from "../../model";

const STEP_CA = "step-ca";

/** `packageSources` of the role, or nothing where the host has to know the package. */
export function stepCaSources(source: StepCaSource): { packageSources?: Record<string, PackageSourceArgs> } {
  if (source === "present") return {};
  if (typeof source === "object" && "deb" in source) return { packageSources: { [STEP_CA]: { ...source } } };
  const { repository, key, fingerprint } = { ...SMALLSTEP, ...(source === "smallstep" ? {} : source) };
  const name = repository === SMALLSTEP.repository ? "Smallstep's repository" : "the repository that is given";
  return {
    packageSources: {
      [STEP_CA]: {
        name,
        uri: repository,
        suite: SMALLSTEP.suite,
        components: [SMALLSTEP.component],
        key,
        fingerprint: plainFingerprint(fingerprint),
        packages: [STEP_CA, "step-cli"],
      },
    },
  };
}
