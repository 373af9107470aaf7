/** What is wrong with the public names' arguments: all of it at once. */
import { checkDomain, checkIssuer, isDomain, isWithinDomain, Issues, show } from "../../model";
import { checkUnique } from "../common/check";
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
  checkServices(args, issues);
  const ttl = args.ttl ?? 300;
  if (!Number.isInteger(ttl) || ttl < 60 || ttl > 86400) {
    issues.add("ttl", "must be from 60 to 86400 seconds", [show(ttl)], "leave it out");
  }
  issues.throwIfAny(subject);
}

/** One label, so that no name between a service and the domain comes to be, which the wildcard would not cover. */
function checkServices({ domain, services = [], issuer }: PublicDnsArgs, issues: Issues): void {
  const holders = new Map<string, string>();
  services.forEach(({ name, ipv6 }, index) => {
    const path = `services[${index}]`;
    checkDomain(name, `${path}.name`, issues);
    checkInput(ipv6, `${path}.ipv6`, addressRule(6), issues);
    if (isDomain(name) && isDomain(domain) && name.replace(/^[^.]*\./, "") !== domain)
      issues.add(
        `${path}.name`,
        "must be one label below the domain",
        [show(name), `domain ${show(domain)}`],
        `write it like blog.${domain}`,
      );
    checkUnique(name, `${path}.name`, "two services have the same name", holders, issues);
  });
  if (issuer !== undefined) checkIssuer(issuer, "issuer", issues);
}
