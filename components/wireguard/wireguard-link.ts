import * as pulumi from "@pulumi/pulumi";
import { HostRole, TunnelKeys, type WireGuardPair } from "../../host";
import { areThere, roleOptions, wayHost, whenReady } from "../common/managed-host";
import type { WireGuardEnd, WireGuardLinkArgs } from "./args";
import { checkLink } from "./check";
import { linkRole } from "./roles";

/**
 * A tunnel between two managed hosts: one interface and one UDP port of its own, everything allowed through it (what
 * passes is the firewall's matter), routes to the hosts' identities. End `a` is made first and deleted last; end `b`
 * once both hosts are there.
 */
export class WireGuardLink extends pulumi.ComponentResource {
  /** What waits for the tunnel: both ends' roles, each as soon as it is made. */
  public readonly ready: pulumi.Resource[] = [];
  /**
   * When both ends have been applied; or when it is clear that a host is not there yet, whose end a later `up` makes.
   */
  public readonly applied: Promise<unknown>;

  /** @throws ValidationError with every problem of the arguments, a link of a host to itself among them */
  constructor(name: string, args: WireGuardLinkArgs, opts?: pulumi.ComponentResourceOptions) {
    checkLink(`link "${name}"`, args);
    super("intranet:wireguard:WireGuardLink", name, {}, opts);
    const { keyVersion = 1 } = args;
    const { a: keyA, b: keyB } = args.keys ?? new TunnelKeys(`${name}-keys`, { keyVersion }, { parent: this });
    const role = (
      suffix: string,
      end: WireGuardEnd,
      peer: WireGuardEnd,
      own: WireGuardPair,
      other: WireGuardPair,
      after: pulumi.Resource[],
    ): void => {
      const content = linkRole(end, peer, args, { privateKey: own.privateKey, peerPublicKey: other.publicKey });
      const options = roleOptions(this, { ...end, after });
      this.ready.push(new HostRole(`${name}-${suffix}`, { ...wayHost(end, end), ...content }, options));
    };
    const both = new Promise<unknown>((resolve) => {
      whenReady(args.a, (afterA) => {
        role("a", args.a, args.b, keyA, keyB, afterA);
        const [first] = this.ready;
        whenReady(args.b, (afterB) => {
          role("b", args.b, args.a, keyB, keyA, [...afterB, first!]);
          this.ready[1]!.urn.apply(resolve);
        });
      });
    });
    this.applied = areThere(args.a, args.b).then((there) => (there ? both : undefined));
    this.registerOutputs({ publicKeyA: keyA.publicKey, publicKeyB: keyB.publicKey });
  }
}
