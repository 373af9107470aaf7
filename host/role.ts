import * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs, HostRoleArgs } from "./args";
import { DynamicResource } from "./dynamic";
import { ClaimRegistry, claimOf } from "./resource/claims";
import { PREVIEW } from "./resource/inputs";

/** Roles of one host within this program, by its connection object: found before any address is known. */
const registries = new WeakMap<pulumi.Input<ConnectionArgs>, ClaimRegistry>();

/**
 * The desired state of one role on one Debian host: packages, files, directories, links, sysctls, users, units, with
 * checkers for the staged files and probes at the end.
 *
 * Creating adopts: what is already right is taken over, what differs is kept as a copy in /var/lib/intranet/backup on
 * the host. Deleting puts back what stood there. A change is made whole or not at all.
 *
 * No output of a role should feed another resource (it is unknown in every preview of an update): order by `dependsOn`.
 * For a cloud server set `deletedWith` to it, so that deleting the server needs no working connection.
 *
 * @throws RunError when two roles of this program claim the same path, unit or sysctl on one connection object; the
 * other rules are checked by the provider and reported by the engine with the argument's path.
 */
export class HostRole extends DynamicResource {
  /** The host's own machine-id(5). */
  declare readonly hostId: pulumi.Output<string>;

  constructor(name: string, args: HostRoleArgs, opts?: pulumi.CustomResourceOptions) {
    const owner = `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
    refuseCollisions(args, owner);
    const told = pulumi.runtime.isDryRun() ? { [PREVIEW]: true } : {};
    super("role", "HostRole", name, { ...given(args), ...told, owner, hostId: undefined, observed: undefined }, opts);
  }
}

/** The given arguments without undefined fields; Outputs inside are left alone. */
function given(args: HostRoleArgs): object {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
}

function refuseCollisions(args: HostRoleArgs, owner: string): void {
  let registry = registries.get(args.connection);
  if (registry === undefined) registries.set(args.connection, (registry = new ClaimRegistry()));
  const collisions = registry.add(claimOf(args, owner));
  if (collisions.length > 0) throw new pulumi.RunError(collisions.join("\n"));
}
