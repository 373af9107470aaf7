/** What is wrong with the public names' arguments: all of it at once. */
import { checkDomain, isDomain, isWithinDomain, Issues, show } from "../../model";
import { addressRule, checkInput } from "../common/input";
import type { PublicDnsArgs } from "./args";

/** Notes a domain outside its zone, and issuers that are none. */
export function checkZone(args: Pick<PublicDnsArgs, "zone" | "domain" | "caa">, issues: Issues): void {
  checkDomain(args.zone, "zone", issues);
  if (isDomain(args.zone) && isDomain(args.domain) && !isWithinDomain(args.domain, args.zone)) {
    issues.add(
      "domain",
      "the domain must be the zone or lie below it",
      [show(args.domain), `zone ${show(args.zone)}`],
      "give the zone that Cloudflare holds for the domain",
    );
  }
  (args.caa ?? []).forEach((issuer, index) => checkDomain(issuer, `caa[${index}]`, issues));
}

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkPublicDns(subject: string, args: PublicDnsArgs): void {
  const issues = new Issues();
  checkDomain(args.domain, "domain", issues);
  checkZone(args, issues);
  checkInput(args.ipv4, "ipv4", addressRule(4), issues);
  checkInput(args.ipv6, "ipv6", addressRule(6), issues);
  const ttl = args.ttl ?? 300;
  if (!Number.isInteger(ttl) || ttl < 60 || ttl > 86400) {
    issues.add("ttl", "must be from 60 to 86400 seconds", [show(ttl)], "leave it out");
  }
  issues.throwIfAny(subject);
}
