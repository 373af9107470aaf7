import { checkCloudName, checkDomain, checkKeyVersion, checkLabel, checkManagement, Issues } from "../../model";
import { checkAddress, checkInterface, checkPorts, checkSpaces, checkSshPublicKeys } from "../common/check";
import type { SinkholeArgs } from "./args";

/** Checks a sinkhole's arguments; raises a ValidationError with all problems at once. */
export function checkSinkhole(subject: string, args: SinkholeArgs): void {
  const issues = new Issues();
  checkDomain(args.domain, "domain", issues);
  checkSpaces(args.space, issues);
  checkAddress(args.identity.v4, "identity.v4", 4, issues);
  checkAddress(args.identity.v6, "identity.v6", 6, issues);
  for (const field of ["location", "serverType", "image"] as const) checkCloudName(args[field], field, issues);
  checkManagement(args.management, "management.from", issues, new Issues());
  checkSshPublicKeys(args.sshPublicKeys, issues);
  checkPorts(args.udpPorts, "udpPorts", issues);
  if (args.hostKeyVersion !== undefined) checkKeyVersion(args.hostKeyVersion, "hostKeyVersion", issues);
  if (args.deviceInterface !== undefined) checkInterface(args.deviceInterface, "deviceInterface", issues);
  if (args.serverName !== undefined) checkLabel(args.serverName, "serverName", issues);
  issues.throwIfAny(subject);
}
