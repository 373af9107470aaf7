import * as pulumi from "@pulumi/pulumi";
import { HostRole, SharedSecret } from "../../host";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import type { InternalDnsArgs } from "./args";
import { checkInternalDns } from "./check";
import { renderDhcp, renderDoctor } from "./doctor";
import { nameServerRole } from "./roles";

/**
 * The names of the inside, on one to three hosts: the domain with its declared names and nothing else, the space's
 * reverse zones, and recursion with DNSSEC validation for everything else. Whoever asks from outside the space is
 * refused. A record that comes or goes changes one line of one file on the first server; the others fetch it within
 * seconds, and answer by themselves while the first is off.
 */
export class InternalDns extends pulumi.ComponentResource {
  /** What waits for the names: the servers' roles, each as soon as it is made. */
  public readonly ready: pulumi.Resource[] = [];
  /** The addresses to ask: the servers' IPv4 identities, then their IPv6 ones. */
  public readonly resolvers: string[];
  /** What to enter in a LAN's DHCP server and router advertisements, in words. */
  public readonly dhcp: string;
  /** A POSIX shell script that says which resolver a device asks and whether names come out right there. */
  public readonly doctor: string;

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: InternalDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    checkInternalDns(`internal DNS "${name}"`, args);
    super("intranet:internal-dns:InternalDns", name, {}, opts);
    const { servers } = args;
    this.resolvers = [...servers.map(({ identity }) => identity.v4), ...servers.map(({ identity }) => identity.v6)];
    this.dhcp = renderDhcp(args.domain, this.resolvers);
    this.doctor = renderDoctor(args, this.resolvers);
    const key = new SharedSecret(`${name}-transfer-key`, { keyVersion: args.keyVersion ?? 1 }, { parent: this });
    let primary: pulumi.Resource[] = [];
    servers.forEach((server, index) =>
      whenReady(server, (after) => {
        // After the primary only if that is there: a secondary needs nobody to be set up.
        const content = nameServerRole(args, index, key.value);
        const options = roleOptions(this, { ...server, after: [...after, ...primary] });
        const role = new HostRole(`${name}-${server.name}`, { ...roleHost(server), ...content }, options);
        if (index === 0) primary = [role];
        this.ready.push(role);
      }),
    );
    this.registerOutputs({ resolvers: this.resolvers });
  }
}
