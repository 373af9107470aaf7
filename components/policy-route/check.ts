/** What is wrong with a policy route's arguments: all of it at once. */
import { Issues, show } from "../../model";
import { checkInput, NETWORK_64 } from "../common/input";
import { checkPinnedTable, checkUnique } from "../common/check";
import type { PolicyRouteArgs } from "./args";

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkPolicyRoute(subject: string, args: PolicyRouteArgs): void {
  const issues = new Issues();
  checkInput(args.network, "network", NETWORK_64, issues);
  const users = new Map<string, string>();
  const tables = new Map<string, string>();
  (args.pinned ?? []).forEach(({ user, table }, index) => {
    const path = `pinned[${index}]`;
    checkUser(user, `${path}.user`, issues);
    checkUnique(user, `${path}.user`, "an account speaks by one address", users, issues);
    checkPinnedTable(table, `${path}.table`, tables, issues);
  });
  issues.throwIfAny(subject);
}

function checkUser(user: string, path: string, issues: Issues): void {
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user))
    issues.add(
      path,
      "must be the name of an account: at most 32 lower-case letters, digits, hyphens and underscores",
      [show(user)],
      "name the account that the application runs as (useradd(8))",
    );
  else if (user === "root")
    issues.add(
      path,
      "must be an account of the application's own: what the host itself sends is root's",
      [show(user)],
      "let the application run as an account of its own",
    );
}
