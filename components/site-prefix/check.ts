/** What is wrong with a site prefix's arguments: all of it at once. */
import { checkLabel, Issues } from "../../model";
import { checkPorts, checkSpaces, checkUnique } from "../common/check";
import { addressRule, checkInput } from "../common/input";
import type { SitePrefixArgs } from "./args";

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkSitePrefix(subject: string, args: SitePrefixArgs): void {
  const issues = new Issues();
  checkSpaces(args.space, issues);
  if (args.services.length === 0)
    issues.add("services", "there must be at least one", ["an empty list"], "leave the component out");
  const names = new Map<string, string>();
  const addresses = new Map<string, string>();
  args.services.forEach(({ name, address, ports }, index) => {
    const path = `services[${index}]`;
    checkLabel(name, `${path}.name`, issues);
    checkUnique(name, `${path}.name`, "two services have the same name", names, issues);
    checkInput(address, `${path}.address`, addressRule(6), issues);
    if (typeof address === "string")
      checkUnique(address, `${path}.address`, "two services have the same address", addresses, issues);
    if (ports.length === 0)
      issues.add(
        `${path}.ports`,
        "visitors reach it at one port at least",
        ["an empty list"],
        "leave the service out, or name its ports",
      );
    checkPorts(ports, `${path}.ports`, issues);
  });
  issues.throwIfAny(subject);
}
