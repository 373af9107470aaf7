import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import { certificateRole, pageRole } from "../denied-page/roles";
import type { RoleContent } from "../host-identity/roles";
import type { SniProxyArgs } from "./args";
import { checkSniProxy } from "./check";
import { guestsPart, wayBackRole } from "./roles";

/**
 * The web server of the intranet's public face: ACCESS DENIED for every name, but that IPv4 guests whose TLS handshake
 * names a service are let through to its IPv6 address, end to end encrypted; the service sees who came inside
 * 64:ff9b:1::/96. It can reach what is listed and nothing else. Needs the tunnels to the services, routes for their
 * addresses, and a way back for 64:ff9b:1::/96 to this host.
 */
export class SniProxy extends pulumi.ComponentResource {
  /** What waits for it; filled as soon as the host is there. */
  public readonly ready: pulumi.Resource[] = [];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: SniProxyArgs, opts?: pulumi.ComponentResourceOptions) {
    checkSniProxy(`SNI proxy "${name}"`, args);
    super("intranet:sni-proxy:SniProxy", name, {}, opts);
    whenReady(args, (after) => {
      const role = (suffix: string, content: RoleContent): void => {
        const options = roleOptions(this, { ...args, after }, [...this.ready]);
        // Below a Sinkhole these take the place of the ones that it makes by itself.
        const aliases = opts?.parent ? [{ parent: opts.parent }] : [];
        this.ready.push(new HostRole(`${name}-${suffix}`, { ...roleHost(args), ...content }, { ...options, aliases }));
      };
      role("certificate", certificateRole());
      if (args.services.length > 0) role("way-back", wayBackRole(args));
      role("page", pageRole(args.domain, guestsPart(args)));
    });
    this.registerOutputs({});
  }
}
