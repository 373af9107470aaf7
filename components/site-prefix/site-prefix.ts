import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import type { SitePrefixArgs } from "./args";
import { checkSitePrefix } from "./check";
import { sitePrefixRole } from "./roles";

/**
 * The public IPv6 addresses of a site's services on their host, and what visitors reach there: the services' ports, and
 * nothing else of the host. What listens on the addresses depends on it. Its `after` is the host's identity.
 */
export class SitePrefix extends pulumi.ComponentResource {
  /** What waits for it: its role, as soon as it is made. */
  public readonly ready: pulumi.Resource[] = [];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: SitePrefixArgs, opts?: pulumi.ComponentResourceOptions) {
    checkSitePrefix(`site prefix "${name}"`, args);
    super("intranet:site-prefix:SitePrefix", name, {}, opts);
    whenReady(args, (after) => {
      const options = roleOptions(this, { ...args, after });
      this.ready.push(new HostRole(`${name}-addresses`, { ...roleHost(args), ...sitePrefixRole(args) }, options));
    });
    this.registerOutputs({});
  }
}
