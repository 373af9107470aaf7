/** What is wrong with reverse names: all of it at once. */
import { checkDomain, checkLabel, Issues } from "../../model";
import { checkUnique } from "../common/check";
import { addressRule, checkInput } from "../common/input";
import type { ReverseDnsArgs } from "./args";

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkReverseDns(subject: string, args: ReverseDnsArgs): void {
  const issues = new Issues();
  const [keys, addresses] = [new Map<string, string>(), new Map<string, string>()];
  args.names.forEach(({ name, hostname, address }, index) => {
    const path = `names[${index}]`;
    checkLabel(name, `${path}.name`, issues);
    checkUnique(name, `${path}.name`, "two names are called the same", keys, issues);
    checkDomain(hostname, `${path}.hostname`, issues);
    checkInput(address, `${path}.address`, addressRule(6), issues);
    if (typeof address === "string")
      checkUnique(address, `${path}.address`, "an address has one name", addresses, issues);
  });
  issues.throwIfAny(subject);
}
