import * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs } from "../args";
import { DynamicResource } from "../dynamic";

/** Arguments of {@link EnrolledHost}. */
export interface EnrolledHostArgs {
  /** The way by which the host is looked for, and by which its roles come later. */
  connection: pulumi.Input<ConnectionArgs>;
}

/**
 * Whether a host that somebody brings in by hand has been seen: it is looked for in every preview and update until it
 * was there once, each time for a few seconds. From then on it counts as enrolled for ever, whether it is on or off,
 * and is not looked for again.
 */
export class EnrolledHost extends DynamicResource {
  /** True once the host has been seen; never false again. */
  declare readonly enrolled: pulumi.Output<boolean>;

  constructor(name: string, args: EnrolledHostArgs, opts?: pulumi.CustomResourceOptions) {
    const props = { connection: args.connection, enrolled: undefined };
    super("enrolledHost", "EnrolledHost", name, props, opts);
  }
}
