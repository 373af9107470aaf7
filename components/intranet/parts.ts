import type * as pulumi from "@pulumi/pulumi";
import type { IntranetPlan } from "../../model";
import type { ManagedHost } from "../common/managed-host";
import type { Sinkhole } from "../sinkhole/sinkhole";
import type { IntranetArgs } from "./args";

/** What an intranet's parts are made from. */
export interface Parts {
  /** The intranet's name, which the names of all resources begin with. */
  readonly name: string;
  /** The parent of all that is made. */
  readonly parent: pulumi.Resource;
  readonly args: IntranetArgs;
  readonly plan: IntranetPlan;
  readonly sinkhole: Sinkhole;
}

/** Hosts by name, each with what has been made on it so far. */
export type Hosts = Readonly<Record<string, ManagedHost>>;

/** The same hosts, each a step further on. */
export function eachHost(hosts: Hosts, next: (host: ManagedHost, name: string) => ManagedHost): Hosts {
  return Object.fromEntries(Object.entries(hosts).map(([name, host]) => [name, next(host, name)]));
}
