import {
  checkCloudName,
  checkDomain,
  checkKeyVersion,
  checkLabel,
  checkManagement,
  isDomain,
  Issues,
  show,
} from "../../model";
import { checkAddress, checkInterface, checkPorts, checkSpaces, checkSshPublicKeys } from "../common/check";
import type { SinkholeArgs } from "./args";

/** Hetzner's rules for labels (API reference, "Labels"). */
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

function checkLabelPair(key: string, value: string, issues: Issues): void {
  const [name = "", prefix] = key.split("/").reverse();
  const isKey = LABEL.test(name) && key.split("/").length <= 2 && (prefix === undefined || isDomain(prefix));
  const rule =
    "must be at most 63 letters, digits, dots, hyphens and underscores, the first and the last a letter or digit";
  if (!isKey) issues.add(`labels.${key}`, `a label's name ${rule}`, [show(key)], "rename it");
  if (!LABEL.test(value))
    issues.add(`labels.${key}`, `a label's value ${rule}`, [show(value)], "shorten it, or leave it out");
}

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
  for (const [key, value] of Object.entries(args.labels ?? {})) checkLabelPair(key, value, issues);
  if (args.serverName !== undefined) checkLabel(args.serverName, "serverName", issues);
  issues.throwIfAny(subject);
}
