/** What is wrong with a host identity's arguments: all of it at once. */
import { Issues } from "../../model";
import { checkIdentityIn, checkOneOf, checkRoleName } from "../common/check";
import { checkInput, IPV6_PREFIX, NETWORK_64 } from "../common/input";
import type { HostIdentityArgs } from "./args";

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkHostIdentity(subject: string, args: HostIdentityArgs): void {
  const issues = new Issues();
  checkIdentityIn(args, args.space, "", issues);
  checkOneOf(args.forwarding, ["none", "transit", "lan"], "forwarding", issues);
  if (args.firewall !== undefined) checkOneOf(args.firewall, ["tunnels", "own"], "firewall", issues);
  if (args.publicNetwork !== undefined) {
    checkInput(args.publicNetwork, "publicNetwork", NETWORK_64, issues);
    if (args.firewall === "own")
      issues.add(
        "publicNetwork",
        "is for the rules that `firewall` leaves to the caller",
        ['firewall "own"'],
        "leave one of them out",
      );
  }
  (args.unusedPrefixes ?? []).forEach((prefix, index) =>
    checkInput(prefix, `unusedPrefixes[${index}]`, IPV6_PREFIX, issues),
  );
  if (args.role !== undefined) checkRoleName(args.role, "role", issues);
  issues.throwIfAny(subject);
}
