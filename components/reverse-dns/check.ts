/** What is wrong with reverse names: all of it at once. */
import { checkDomain, checkLabel, Issues, show } from "../../model";
import { addressRule, checkInput } from "../common/input";
import type { ReverseDnsArgs } from "./args";

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkReverseDns(subject: string, args: ReverseDnsArgs): void {
  const issues = new Issues();
  const holders = new Map<string, string>();
  const checkUnique = (text: string, path: string, rule: string): void => {
    const holder = holders.get(text);
    if (holder)
      issues.add(path, rule, [`${holder} ${show(text)}`, `${path} ${show(text)}`], "leave out or change one of them");
    holders.set(text, path);
  };
  args.names.forEach(({ name, hostname, address }, index) => {
    const path = `names[${index}]`;
    checkLabel(name, `${path}.name`, issues);
    checkUnique(name, `${path}.name`, "two names are called the same");
    checkDomain(hostname, `${path}.hostname`, issues);
    checkInput(address, `${path}.address`, addressRule(6), issues);
    if (typeof address === "string") checkUnique(address, `${path}.address`, "an address has one name");
  });
  issues.throwIfAny(subject);
}
