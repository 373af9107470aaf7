import type * as pulumi from "@pulumi/pulumi";
import type { RoleContent } from "../../host";
import type { ManagedHost } from "../common/managed-host";

/** Arguments of {@link Enrolment}. */
export interface EnrolmentArgs {
  /** The host's name, for the script, `bin/enrol` and messages: a label of letters, digits and hyphens. */
  host: string;
  /** Through whom the host is reached: the other end of its first tunnel. */
  hub: ManagedHost;
  /** The host's address in the intranet, without length: where its SSH service listens, and nowhere else. */
  address: string;
  /** TCP port of that SSH service, beside the host's own on 22. Default 2222. */
  port?: number;
  /** The operator's SSH public keys, OpenSSH form, at least one: who may log in there as root, and by nothing else. */
  sshPublicKeys: string[];
  /**
   * By what the host comes into the intranet, in the order in which the script applies it: its identity and its first
   * tunnel. They must be the very contents of the roles that are made in `whenEnrolled`, which then adopt what the
   * script made.
   */
  roles: RoleContent[];
  /** What the host is looked for after, and that is deleted after its roles: such as the hub's end of the tunnel. */
  after?: pulumi.Resource[];
  /**
   * Raise it to give the SSH service another host key: the host gets it over the way that the old one vouches for.
   * Default 1.
   */
  keyVersion?: number;
}
