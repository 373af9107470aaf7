/** A site's part of public services, of the real components, on one host without any tunnel. */
import * as pulumi from "@pulumi/pulumi";
import { HostIdentity, PolicyRoute, SitePrefix } from "pulumi-intranet";
import type { ConnectionArgs } from "pulumi-intranet/host";
import { TUNNEL, type TrialPublic } from "./trial";

/** Identity, ways, addresses and rules; what a cloud would say is an output here as well. */
export function makePublic(args: TrialPublic, connection: ConnectionArgs): void {
  const { near, space } = TUNNEL;
  const network = pulumi.output(args.network);
  const identity = { ...near, space, forwarding: "transit", publicNetwork: network } as const;
  const host = { connection, after: new HostIdentity("public", { connection, ...identity }).ready };
  new PolicyRoute("public", { ...host, network, pinned: args.pinned });
  if (args.services.length > 0) new SitePrefix("public", { ...host, space, services: args.services });
}
