import * as pulumi from "@pulumi/pulumi";
import { HostRole, WireGuardKey } from "../../host";
import { roleHost, roleOptions } from "../common/managed-host";
import type { WireGuardEnd, WireGuardLinkArgs } from "./args";
import { checkLink } from "./check";
import { linkRole } from "./roles";

/**
 * A tunnel between two managed hosts: one interface and one UDP port of its own, everything allowed through it (what passes is the
 * firewall's matter), static routes with the hosts' identities as sources. End `a` is made first and deleted last.
 */
export class WireGuardLink extends pulumi.ComponentResource {
  /** What waits for the tunnel: both ends' roles. */
  public readonly ready: pulumi.Resource[];

  /** @throws ValidationError with every problem of the arguments, a link of a host to itself among them */
  constructor(name: string, args: WireGuardLinkArgs, opts?: pulumi.ComponentResourceOptions) {
    checkLink(`link "${name}"`, args);
    super("intranet:wireguard:WireGuardLink", name, {}, opts);
    const keyVersion = args.keyVersion ?? 1;
    const keyA = new WireGuardKey(`${name}-key-a`, { keyVersion }, { parent: this });
    const keyB = new WireGuardKey(`${name}-key-b`, { keyVersion }, { parent: this });
    const role = (
      suffix: string,
      end: WireGuardEnd,
      peer: WireGuardEnd,
      own: WireGuardKey,
      other: WireGuardKey,
      after: pulumi.Resource[],
    ): HostRole => {
      const content = linkRole(end, peer, args.mtu, { privateKey: own.privateKey, peerPublicKey: other.publicKey });
      return new HostRole(`${name}-${suffix}`, { ...roleHost(end), ...content }, roleOptions(this, end, after));
    };
    const a = role("a", args.a, args.b, keyA, keyB, []);
    const b = role("b", args.b, args.a, keyB, keyA, [a]);
    this.ready = [a, b];
    this.registerOutputs({ publicKeyA: keyA.publicKey, publicKeyB: keyB.publicKey });
  }
}
