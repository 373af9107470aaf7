import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { Issues } from "../../model";
import { CERTIFICATES, checkInput } from "../common/input";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import type { TrustAnchorArgs } from "./args";
import { trustRole } from "./roles";

/**
 * A root certificate in a host's trust store: what uses the system's roots (curl, Python, Go, apt) trusts what it has
 * signed. Deleting it takes the root out again.
 */
export class TrustAnchor extends pulumi.ComponentResource {
  /** What waits for it; filled as soon as the host is there. */
  public readonly ready: pulumi.Resource[] = [];

  /** @throws ValidationError when the certificate is none */
  constructor(name: string, args: TrustAnchorArgs, opts?: pulumi.ComponentResourceOptions) {
    const issues = new Issues();
    checkInput(args.rootCertificate, "rootCertificate", CERTIFICATES, issues);
    issues.throwIfAny(`trust anchor "${name}"`);
    super("intranet:certificate-authority:TrustAnchor", name, {}, opts);
    const content = trustRole(args.rootCertificate);
    whenReady(args, (after) => {
      const options = roleOptions(this, { ...args, after });
      this.ready.push(new HostRole(`${name}-trust`, { ...roleHost(args), ...content }, options));
    });
    this.registerOutputs({});
  }
}
