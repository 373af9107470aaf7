import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { checkIdentity } from "../common/check";
import { roleHost, roleOptions } from "../common/managed-host";
import type { HostIdentityArgs } from "./args";
import { renderForwardRules } from "./render";
import { firewallRole, identityRole } from "./roles";

/**
 * A host's identity: one address of each family on `lo` by which the whole intranet knows it, kept over a reset, and the rules for
 * what it forwards. Tunnels and proxies on the host depend on it.
 */
export class HostIdentity extends pulumi.ComponentResource {
  /** What others on this host wait for. */
  public readonly ready: pulumi.Resource[];

  /** @throws ValidationError when an address or prefix is none, or the identity lies outside the space */
  constructor(name: string, args: HostIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    checkIdentity(`host identity "${name}"`, args);
    super("intranet:host-identity:HostIdentity", name, {}, opts);
    const identity = new HostRole(
      `${name}-addresses`,
      { ...roleHost(args), ...identityRole(args) },
      roleOptions(this, args),
    );
    this.ready = [identity];
    if ((args.firewall ?? "tunnels") === "tunnels") {
      const content = firewallRole(
        `${args.role ?? "intranet"}-firewall`,
        renderForwardRules(args.space, args.forwarding),
      );
      this.ready.push(
        new HostRole(`${name}-firewall`, { ...roleHost(args), ...content }, roleOptions(this, args, [identity])),
      );
    }
    this.registerOutputs({ v4: args.v4, v6: args.v6 });
  }
}
