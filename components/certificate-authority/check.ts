/** What is wrong with an authority's arguments: all of it at once. */
import {
  checkDomain,
  checkKeyVersion,
  checkLeafLifetime,
  checkOrganisation,
  checkPort,
  checkStepCaSource,
  isWithinDomain,
  Issues,
  show,
} from "../../model";
import { checkAddress } from "../common/check";
import type { CertificateAuthorityArgs } from "./args";
import { CRL_PORT } from "./render";

function checkWithin(name: string, domain: string, path: string, issues: Issues): void {
  checkDomain(name, path, issues);
  if (name !== domain && isWithinDomain(name, domain)) return;
  issues.add(path, "must be a name below the domain", [show(name), `domain ${show(domain)}`], `end it with .${domain}`);
}

function checkDays(days: number | undefined, path: string, issues: Issues): void {
  if (days === undefined || (Number.isInteger(days) && days >= 1 && days <= 36_500)) return;
  issues.add(path, "must be a whole number of days from 1 to 36500", [show(days)], "for example 3650, ten years");
}

/** Checks an authority; raises a ValidationError with all problems at once. */
export function checkCertificateAuthority(subject: string, args: CertificateAuthorityArgs): void {
  const issues = new Issues();
  checkDomain(args.domain, "domain", issues);
  checkAddress(args.identity.v4, "identity.v4", 4, issues);
  checkAddress(args.identity.v6, "identity.v6", 6, issues);
  if (args.hostname !== undefined) checkWithin(args.hostname, args.domain, "hostname", issues);
  for (const field of ["port", "crlPort"] as const)
    if (args[field] !== undefined) checkPort(args[field], field, issues);
  if ((args.port ?? 9000) === (args.crlPort ?? CRL_PORT))
    issues.add("crlPort", "must be another port than https has", [show(args.crlPort ?? CRL_PORT)], "leave it out");
  if (args.source !== undefined) checkStepCaSource(args.source, "source", issues);
  if (args.organisation !== undefined) checkOrganisation(args.organisation, "organisation", issues);
  checkLeafLifetime(args.leafLifetime ?? "168h", "leafLifetime", issues);
  (args.subdomains ?? []).forEach((name, index) => checkWithin(name, args.domain, `subdomains[${index}]`, issues));
  for (const field of ["rootVersion", "intermediateVersion"] as const)
    if (args[field] !== undefined) checkKeyVersion(args[field], field, issues);
  checkDays(args.rootLifetimeDays, "rootLifetimeDays", issues);
  checkDays(args.intermediateLifetimeDays, "intermediateLifetimeDays", issues);
  issues.throwIfAny(subject);
}
