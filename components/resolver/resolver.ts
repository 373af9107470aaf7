import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { checkDomain, Issues, parseAddress, show } from "../../model";
import { checkOneOf } from "../common/check";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import type { ResolverArgs } from "./args";
import { resolverRole } from "./roles";

/**
 * A managed host asks the internal name servers and nobody else; `intranet-doctor` there says whether that works.
 * Deleting puts back what it asked before.
 */
export class Resolver extends pulumi.ComponentResource {
  /** What waits for it: the role, as soon as it is made. */
  public readonly ready: pulumi.Resource[] = [];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: ResolverArgs, opts?: pulumi.ComponentResourceOptions) {
    checkResolver(`resolver "${name}"`, args);
    super("intranet:resolver:Resolver", name, {}, opts);
    whenReady(args, (after) => {
      const options = roleOptions(this, { ...args, after });
      this.ready.push(new HostRole(`${name}-names`, { ...roleHost(args), ...resolverRole(args) }, options));
    });
    this.registerOutputs({});
  }
}

function checkResolver(subject: string, args: ResolverArgs): void {
  const issues = new Issues();
  checkDomain(args.domain, "domain", issues);
  if (args.servers.length === 0)
    issues.add("servers", "the host needs a server to ask", ["an empty list"], "give those of InternalDns: resolvers");
  args.servers.forEach((text, index) => {
    if (parseAddress(text)) return;
    issues.add(`servers[${index}]`, "must be an address", [show(text)], "write it like 10.31.240.1, not as a name");
  });
  if (!args.doctor.startsWith("#!"))
    issues.add("doctor", "must be the text of a script", [show(args.doctor)], "give that of InternalDns: doctor");
  if (args.through !== undefined) checkOneOf(args.through, ["systemd-resolved", "resolv.conf"], "through", issues);
  issues.throwIfAny(subject);
}
