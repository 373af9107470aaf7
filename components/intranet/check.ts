/**
 * What is wrong with the arguments of an intranet: the description's problems and those of what stands beside it, all
 * at once.
 */
import {
  conform,
  Issues,
  planIntranet,
  show,
  ValidationError,
  type IntranetPlan,
  type IntranetSpec,
} from "../../model";
import type { Shape } from "../../model";
import { checkSshPublicKeys } from "../common/check";
import { checkZone } from "../public-dns/check";
import { checkEngine } from "../sni-proxy/check";
import type { IntranetArgs } from "./args";

const text: Shape = { kind: "string" };
const texts: Shape = { kind: "list", item: text };
const binary: Shape = { kind: "object", required: {}, optional: { path: text, url: text, sha256: text } };

/** The shapes of what the model knows nothing of. */
const BESIDE = {
  sshPublicKeys: texts,
  zone: text,
  protect: { kind: "boolean" },
  caa: texts,
  guests: { kind: "object", required: { kind: { kind: "choice", of: ["nginx", "snid"] } }, optional: { binary } },
} as const satisfies Record<Exclude<keyof IntranetArgs, keyof IntranetSpec>, Shape>;

/**
 * Works out what follows from the arguments. Raises a ValidationError with all that is wrong with them, before anything
 * is made.
 */
export function checkedPlan(name: string, args: IntranetArgs): IntranetPlan {
  const issues = new Issues();
  const { sshPublicKeys: _keys, zone: _zone, protect: _protect, caa: _caa, guests: _guests, ...spec } = args;
  const plan = collected(issues, () => planIntranet(name, spec, Object.keys(BESIDE)));
  checkBeside(args, issues);
  issues.throwIfAny(`intranet ${show(name)}`);
  return plan!;
}

/** What `work` returns, or undefined with its problems noted. */
function collected<T>(issues: Issues, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    for (const { path, rule, values, help } of error.issues) issues.add(path, rule, values, help);
    return undefined;
  }
}

/** Each field's shape first, for it may come from configuration, where no compiler looks; then the rules. */
function checkBeside(args: IntranetArgs, issues: Issues): void {
  const shaped = (field: keyof typeof BESIDE): boolean =>
    (field !== "sshPublicKeys" && args[field] === undefined) ||
    conform(args[field], BESIDE[field], field, issues) !== undefined;
  const [keys, zone, caa, guests] = (["sshPublicKeys", "zone", "caa", "guests"] as const).map(shaped);
  shaped("protect");
  if (keys) checkSshPublicKeys(args.sshPublicKeys, issues);
  if (zone && caa && typeof args.domain === "string")
    checkZone({ zone: args.zone ?? args.domain, domain: args.domain, ...(args.caa ? { caa: args.caa } : {}) }, issues);
  if (guests && args.guests !== undefined) checkEngine(args.guests, "guests", issues);
}
