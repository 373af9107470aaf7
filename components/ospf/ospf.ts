import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import type { OspfArgs } from "./args";
import { checkOspf } from "./check";
import { ospfRole } from "./roles";

/**
 * Finds the ways between hosts that are joined by tunnels, by OSPF (v2 for IPv4, v3 for IPv6; BIRD): a new site is
 * known everywhere by itself, and a dead tunnel is gone round. It takes routes of the space alone, from neighbours with
 * the right secret alone. Its `after` are the host's identity and both ends of its tunnels.
 */
export class Ospf extends pulumi.ComponentResource {
  /** What waits for it: its role, as soon as it is made. */
  public readonly ready: pulumi.Resource[] = [];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: OspfArgs, opts?: pulumi.ComponentResourceOptions) {
    checkOspf(`OSPF "${name}"`, args);
    super("intranet:ospf:Ospf", name, {}, opts);
    whenReady(args, (after) => {
      const options = roleOptions(this, { ...args, after });
      this.ready.push(new HostRole(`${name}-bird`, { ...roleHost(args), ...ospfRole(args) }, options));
    });
    this.registerOutputs({});
  }
}
