import * as pulumi from "@pulumi/pulumi";
import { EnrolledHost, enrolmentScript, HostRole, SshHostKey, type ConnectionArgs } from "../../host";
import { roleOptions, wayHost, type ManagedHost } from "../common/managed-host";
import type { EnrolmentArgs } from "./args";
import { checkEnrolment } from "./check";
import { sshRole } from "./roles";

/** Beside the host's own SSH service, which has 22. */
export const SSH_PORT = 2222;

/**
 * A host that the operator cannot reach, since it is behind somebody's NAT: a script brings it in once, by any way, and
 * from then on it is reached through the hub. Until it has been seen, `up` succeeds without its roles and says what to
 * do.
 */
export class Enrolment extends pulumi.ComponentResource {
  /** POSIX sh, to be run on the host as root; see {@link enrolmentScript}. Secret: it holds the host's private keys. */
  public readonly script: pulumi.Output<string>;
  /** The way to the host: through the hub to its identity, with the library's host key pinned. */
  public readonly connection: ConnectionArgs;
  /**
   * The same for components whose roles are on the host: they come when it has been seen, and those that hold the way
   * to it go last.
   */
  public readonly managed: ManagedHost;
  /** Whether the host has been seen. */
  public readonly enrolled: pulumi.Output<boolean>;
  private ready: pulumi.Resource[] | undefined;

  /** @throws ValidationError with every problem of the arguments */
  constructor(
    name: string,
    private readonly args: EnrolmentArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    checkEnrolment(`enrolment "${name}"`, args);
    super("intranet:enrolment:Enrolment", name, {}, opts);
    const { host, address, port = SSH_PORT, sshPublicKeys, hub } = args;
    const key = new SshHostKey(`${name}-host-key`, { keyVersion: args.keyVersion ?? 1 }, { parent: this });
    const hostKeys = [key.publicKey];
    this.connection = { name: host, address, port, hostKeys, operatorKeys: sshPublicKeys, via: hub.connection };
    const ssh = sshRole({ address, port, sshPublicKeys, hostPrivateKey: key.privateKey });
    this.script = enrolmentScript(host, [...args.roles, ssh]);
    const seen = new EnrolledHost(
      `${name}-seen`,
      { connection: this.connection },
      { parent: this, dependsOn: [...(hub.after ?? []), ...(args.after ?? [])] },
    );
    this.enrolled = seen.enrolled;
    this.managed = {
      connection: this.connection,
      lastWay: true,
      whenReady: (make) => this.whenEnrolled(make),
      there: isTrue(this.enrolled),
    };
    this.whenSeen(() => {
      const role = new HostRole(
        `${name}-ssh`,
        { ...wayHost(this.managed), ...ssh },
        roleOptions(this, this.managed, [seen]),
      );
      this.ready = [seen, role];
    });
    this.enrolled.apply((enrolled) => {
      if (enrolled) return;
      const text = `${host} is not enrolled yet: run the script that \`bin/enrol ${host}\` prints on it as root, then \`pulumi up\` again.`;
      void pulumi.log.info(text, this);
    });
    this.registerOutputs({ enrolled: this.enrolled });
  }

  /**
   * Calls `make` once the host has been seen, in this `up` or a later one, with what its roles have to depend on. In a
   * preview that finds the host for the first time it is not called yet: the roles come in the `up`.
   */
  public whenEnrolled(make: (ready: pulumi.Resource[]) => void): void {
    this.whenSeen(() => make(this.ready!));
  }

  private whenSeen(make: () => void): void {
    this.enrolled.apply((enrolled) => {
      if (enrolled) make();
    });
  }
}

/** Whether an output is known to be true, as soon as that can be told; `apply` says nothing where it is not known. */
async function isTrue(output: pulumi.Output<boolean>): Promise<boolean> {
  const inner = output as unknown as { promise(): Promise<boolean | undefined>; isKnown: Promise<boolean> };
  const value = await inner.promise();
  return (await inner.isKnown) && value === true;
}
