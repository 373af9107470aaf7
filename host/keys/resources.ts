import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../dynamic";

/** Arguments of a key. */
export interface KeyArgs {
  /** Which key: a whole number from 1. Raising it makes a new key in place; nothing else does. Default: 1. */
  keyVersion?: pulumi.Input<number>;
  /** What the preview and the update that change the key say. Default: nothing. */
  notice?: string;
  /** Why the key must not change in place: the error with which a change of its version is refused. Default: it may. */
  fixed?: string;
}

/** The inputs of a key, without fields for what is absent. */
function inputsOf({ keyVersion = 1, notice, fixed }: KeyArgs): Record<string, unknown> {
  return { keyVersion, ...(notice === undefined ? {} : { notice }), ...(fixed === undefined ? {} : { fixed }) };
}

const secretPrivate: pulumi.CustomResourceOptions = { additionalSecretOutputs: ["privateKey"] };

/**
 * A WireGuard key pair (X25519), made by this machine's Node.js and kept in the stack's state: the private half as a
 * Pulumi secret. It is no output of anything else, so only `keyVersion` ever changes it.
 */
export class WireGuardKey extends DynamicResource {
  /** Base64 of 32 bytes. */
  declare readonly publicKey: pulumi.Output<string>;
  /** Base64 of 32 bytes; secret. */
  declare readonly privateKey: pulumi.Output<string>;
  declare readonly keyVersion: pulumi.Output<number>;

  constructor(name: string, args: KeyArgs = {}, opts?: pulumi.CustomResourceOptions) {
    const props = { ...inputsOf(args), publicKey: undefined, privateKey: undefined };
    super("wireGuardKey", "WireGuardKey", name, props, pulumi.mergeOptions(opts, secretPrivate));
  }
}

/** A WireGuard pair as who sets up a tunnel takes it: a {@link WireGuardKey}, or one end's of {@link TunnelKeys}. */
export interface WireGuardPair {
  /** Base64 of 32 bytes. */
  readonly publicKey: pulumi.Output<string>;
  /** Base64 of 32 bytes; secret. */
  readonly privateKey: pulumi.Output<string>;
}

/**
 * The WireGuard pairs of both ends of a tunnel, made and kept as a {@link WireGuardKey} is. One resource and not two: a
 * mesh of n hosts has n²/2 tunnels, and each resource costs every preview.
 */
export class TunnelKeys extends DynamicResource {
  declare private readonly publicKeyA: pulumi.Output<string>;
  declare private readonly privateKeyA: pulumi.Output<string>;
  declare private readonly publicKeyB: pulumi.Output<string>;
  declare private readonly privateKeyB: pulumi.Output<string>;
  declare readonly keyVersion: pulumi.Output<number>;

  constructor(name: string, args: KeyArgs = {}, opts?: pulumi.CustomResourceOptions) {
    const outputs = { publicKeyA: undefined, privateKeyA: undefined, publicKeyB: undefined, privateKeyB: undefined };
    const secret: pulumi.CustomResourceOptions = { additionalSecretOutputs: ["privateKeyA", "privateKeyB"] };
    super("tunnelKeys", "TunnelKeys", name, { ...inputsOf(args), ...outputs }, pulumi.mergeOptions(opts, secret));
  }

  /** The pair of the end that is set up first. */
  get a(): WireGuardPair {
    return { publicKey: this.publicKeyA, privateKey: this.privateKeyA };
  }

  /** The pair of the other end. */
  get b(): WireGuardPair {
    return { publicKey: this.publicKeyB, privateKey: this.privateKeyB };
  }
}

/** An sshd host key (Ed25519) in OpenSSH's formats, made and kept as a WireGuardKey is. */
export class SshHostKey extends DynamicResource {
  /** `ssh-ed25519 AAAA…`, as it is pinned. */
  declare readonly publicKey: pulumi.Output<string>;
  /** Text of /etc/ssh/ssh_host_ed25519_key; secret. */
  declare readonly privateKey: pulumi.Output<string>;
  declare readonly keyVersion: pulumi.Output<number>;

  constructor(name: string, args: KeyArgs = {}, opts?: pulumi.CustomResourceOptions) {
    const props = { ...inputsOf(args), publicKey: undefined, privateKey: undefined };
    super("sshHostKey", "SshHostKey", name, props, pulumi.mergeOptions(opts, secretPrivate));
  }
}

/**
 * What several hosts know and nobody else, such as the key of OSPF's authentication on a link; made and kept as a
 * WireGuardKey is.
 */
export class SharedSecret extends DynamicResource {
  /** Base64 of 32 random bytes; secret. */
  declare readonly value: pulumi.Output<string>;
  /**
   * The one of the version before, which comes back when `keyVersion` goes back to that; at first the same as `value`.
   * Secret.
   */
  declare readonly previous: pulumi.Output<string>;
  declare readonly keyVersion: pulumi.Output<number>;

  constructor(name: string, args: KeyArgs = {}, opts?: pulumi.CustomResourceOptions) {
    const props = { ...inputsOf(args), value: undefined, previous: undefined };
    const secret: pulumi.CustomResourceOptions = { additionalSecretOutputs: ["value", "previous"] };
    super("sharedSecret", "SharedSecret", name, props, pulumi.mergeOptions(opts, secret));
  }
}
