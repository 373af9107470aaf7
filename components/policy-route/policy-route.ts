import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import type { PolicyRouteArgs } from "./args";
import { checkPolicyRoute } from "./check";
import { policyRole } from "./roles";

/**
 * The way of a site's host for what speaks by a public address: back through the sinkhole, over however many tunnels,
 * and never by the host's own Internet access, which stays the way of everything else. OSPF fills its routing tables
 * ({@link OspfArgs.public}). Its `after` is the host's identity.
 */
export class PolicyRoute extends pulumi.ComponentResource {
  /** What waits for it: its role, as soon as it is made. */
  public readonly ready: pulumi.Resource[] = [];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: PolicyRouteArgs, opts?: pulumi.ComponentResourceOptions) {
    checkPolicyRoute(`policy route "${name}"`, args);
    super("intranet:policy-route:PolicyRoute", name, {}, opts);
    whenReady(args, (after) => {
      const options = roleOptions(this, { ...args, after });
      this.ready.push(new HostRole(`${name}-rules`, { ...roleHost(args), ...policyRole(args) }, options));
    });
    this.registerOutputs({});
  }
}
