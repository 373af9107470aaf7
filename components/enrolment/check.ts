import { checkKeyVersion, checkLabel, checkPort, Issues, show } from "../../model";
import { familyOf } from "../common/text";
import { checkAddress, checkSshPublicKeys } from "../common/check";
import type { EnrolmentArgs } from "./args";

/** Checks an enrolment's arguments; raises a ValidationError with all problems at once. */
export function checkEnrolment(subject: string, args: EnrolmentArgs): void {
  const issues = new Issues();
  checkLabel(args.host, "host", issues);
  checkAddress(args.address, "address", familyOf(args.address), issues);
  if (args.port !== undefined) checkPort(args.port, "port", issues);
  if (args.port === 22)
    issues.add("port", "must not be that of the host's own SSH service", [show(22)], "leave it out, or choose another");
  checkSshPublicKeys(args.sshPublicKeys, issues);
  if (args.roles.length === 0)
    issues.add(
      "roles",
      "the script needs something that brings the host into the intranet",
      ["an empty list"],
      "give the contents of its identity and its first tunnel",
    );
  if (args.keyVersion !== undefined) checkKeyVersion(args.keyVersion, "keyVersion", issues);
  issues.throwIfAny(subject);
}
