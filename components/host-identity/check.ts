/** What is wrong with a host identity's arguments: all of it at once. */
import { checkPort, checkPrefix, containsPrefix, Issues, parsePrefix, show } from "../../model";
import { checkIdentityIn, checkOneOf, checkRoleName } from "../common/check";
import { checkInput, IPV6_PREFIX, NETWORK_64 } from "../common/input";
import type { HostIdentityArgs } from "./args";
import type { TunnelAnswers } from "./render";

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
  if (args.answers !== undefined) checkAnswers(args, args.answers, issues);
  (args.unusedPrefixes ?? []).forEach((prefix, index) =>
    checkInput(prefix, `unusedPrefixes[${index}]`, IPV6_PREFIX, issues),
  );
  if (args.role !== undefined) checkRoleName(args.role, "role", issues);
  issues.throwIfAny(subject);
}

function checkAnswers({ firewall, space }: HostIdentityArgs, answers: TunnelAnswers, issues: Issues): void {
  if (firewall === "own") {
    const rule = "is for the rules that `firewall` leaves to the caller";
    issues.add("answers", rule, ['firewall "own"'], "leave one of them out");
  }
  for (const protocol of ["tcp", "udp"] as const)
    answers[protocol].forEach((port, index) => checkPort(port, `answers.${protocol}[${index}]`, issues));
  checkPort(answers.management.port, "answers.management.port", issues);
  const supernets = [parsePrefix(space.v4), parsePrefix(space.v6)];
  answers.management.from.forEach((text, index) => {
    const path = `answers.management.from[${index}]`;
    const prefix = checkPrefix(text, path, issues);
    if (prefix && !supernets.some((supernet) => supernet && containsPrefix(supernet, prefix)))
      issues.add(
        path,
        "must lie in the space: nobody else comes by a tunnel",
        [show(text), show(space.v4), show(space.v6)],
        "leave it out",
      );
  });
}
