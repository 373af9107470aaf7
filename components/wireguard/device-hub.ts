import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import type { DeviceHubArgs } from "./args";
import { checkDeviceHub } from "./check";
import { deviceHubRole } from "./roles";

/** Where devices come in: one interface for all, each known by its key and taken by its own addresses alone. */
export class DeviceHub extends pulumi.ComponentResource {
  /** What waits for it: its role, as soon as it is made. */
  public readonly ready: pulumi.Resource[] = [];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: DeviceHubArgs, opts?: pulumi.ComponentResourceOptions) {
    checkDeviceHub(`device hub "${name}"`, args);
    super("intranet:wireguard:DeviceHub", name, {}, opts);
    whenReady(args, (after) => {
      const options = roleOptions(this, { ...args, after });
      this.ready.push(new HostRole(`${name}-interface`, { ...roleHost(args), ...deviceHubRole(args) }, options));
    });
    this.registerOutputs({ listenPort: args.listenPort });
  }
}
