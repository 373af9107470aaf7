import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { roleHost, roleOptions, wayHost, whenReady } from "../common/managed-host";
import type { HostIdentityArgs } from "./args";
import { checkHostIdentity } from "./check";
import { hasUplink, identityRole, siteFirewallRole, uplinkRole, type RoleContent } from "./roles";

/**
 * A host's identity: one address of each family on `lo` by which the whole intranet knows it, kept over a reset, and
 * the rules for what it forwards. Tunnels and proxies on the host depend on it.
 */
export class HostIdentity extends pulumi.ComponentResource {
  /** What others on this host wait for: its roles, as soon as they are made. */
  public readonly ready: pulumi.Resource[] = [];

  /** @throws ValidationError when an address or prefix is none, or the identity lies outside the space */
  constructor(name: string, args: HostIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    checkHostIdentity(`host identity "${name}"`, args);
    super("intranet:host-identity:HostIdentity", name, {}, opts);
    whenReady(args, (after) => {
      const role = (
        suffix: string,
        content: RoleContent,
        dependsOn: pulumi.Resource[],
        host = roleHost(args),
      ): void => {
        const options = roleOptions(this, { ...args, after }, dependsOn);
        this.ready.push(new HostRole(`${name}-${suffix}`, { ...host, ...content }, options));
      };
      if (hasUplink(args)) role("uplink", uplinkRole(args.role), [], wayHost(args));
      role("addresses", identityRole(args), [...this.ready], wayHost(args));
      if (args.firewall === "own") return;
      role("firewall", siteFirewallRole(args), [...this.ready]);
    });
    this.registerOutputs({ v4: args.v4, v6: args.v6 });
  }
}
