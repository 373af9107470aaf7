import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { addressRule, known } from "../common/input";
import type { ReverseDnsArgs } from "./args";
import { checkReverseDns } from "./check";

/**
 * Names of the addresses of a server's IPv6 network at Hetzner (PTR records). A name is worth something once it leads
 * back to the address: let it wait for the records that do, with the option `dependsOn`.
 */
export class ReverseDns extends pulumi.ComponentResource {
  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: ReverseDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    checkReverseDns(`reverse DNS "${name}"`, args);
    super("intranet:reverse-dns:ReverseDns", name, {}, opts);
    args.names.forEach(({ name: key, hostname, address }, index) => {
      const ipAddress = known(address, `names[${index}].address`, addressRule(6));
      new hcloud.Rdns(
        `${name}-${key}`,
        { primaryIpId: args.primaryIpId, ipAddress, dnsPtr: hostname },
        { parent: this },
      );
    });
    this.registerOutputs({});
  }
}
