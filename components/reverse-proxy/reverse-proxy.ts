import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import type { ReverseProxyArgs } from "./args";
import { checkReverseProxy } from "./check";
import { proxyRole } from "./roles";

/**
 * Offers a host's applications by name, on the given addresses and no other: over https with certificates of an
 * internal authority, or over plain http. Each application sees the client's real address in X-Forwarded-For; what a
 * client claims there is discarded.
 */
export class ReverseProxy extends pulumi.ComponentResource {
  /** What waits for it; filled as soon as the host is there. */
  public readonly ready: pulumi.Resource[] = [];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: ReverseProxyArgs, opts?: pulumi.ComponentResourceOptions) {
    checkReverseProxy(`reverse proxy "${name}"`, args);
    super("intranet:reverse-proxy:ReverseProxy", name, {}, opts);
    whenReady(args, (after) => {
      const options = roleOptions(this, { ...args, after });
      this.ready.push(new HostRole(`${name}-caddy`, { ...roleHost(args), ...proxyRole(args) }, options));
    });
    this.registerOutputs({});
  }
}
