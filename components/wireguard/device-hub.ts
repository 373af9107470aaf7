import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { roleHost, roleOptions } from "../common/managed-host";
import type { DeviceHubArgs } from "./args";
import { checkDeviceHub } from "./check";
import { deviceHubRole } from "./roles";

/** Where devices come in: one interface for all, each known by its key and taken by its own addresses alone. */
export class DeviceHub extends pulumi.ComponentResource {
  /** What waits for it. */
  public readonly ready: pulumi.Resource[];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: DeviceHubArgs, opts?: pulumi.ComponentResourceOptions) {
    checkDeviceHub(`device hub "${name}"`, args);
    super("intranet:wireguard:DeviceHub", name, {}, opts);
    this.ready = [
      new HostRole(`${name}-interface`, { ...roleHost(args), ...deviceHubRole(args) }, roleOptions(this, args)),
    ];
    this.registerOutputs({ listenPort: args.listenPort });
  }
}
