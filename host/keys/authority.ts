import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../dynamic";

/** Arguments of a root certificate. What it says is fixed when it is made: another value needs another `keyVersion`. */
export interface RootCertificateArgs {
  /** The organisation in its subject; devices list it as `<organisation> root`. 1 to 40 characters. */
  organisation: string;
  /** The only domain, with all names below it, for which certificates under this root can be valid. */
  domain: string;
  /** How long it is valid, in days from 1 to 36500. Default: 3650. */
  lifetimeDays?: number;
  /** Raising it makes a new root in place, which every device has to install again. Default: 1. */
  keyVersion?: number;
}

const SECRET: pulumi.CustomResourceOptions = { additionalSecretOutputs: ["privateKey"] };
const OUTPUTS = {
  certificate: undefined,
  fingerprint: undefined,
  notBefore: undefined,
  notAfter: undefined,
  privateKey: undefined,
};

/**
 * The root of a private certificate authority, made by this machine's Node.js and kept in the stack's state: its key, a
 * Pulumi secret, goes to no host. Its name constraints are critical: below it only names of the domain can be valid,
 * and no IP address.
 */
export class RootCertificate extends DynamicResource {
  /** PEM. */
  declare readonly certificate: pulumi.Output<string>;
  /** SHA-256 as devices show it, upper-case pairs with colons. */
  declare readonly fingerprint: pulumi.Output<string>;
  /** ISO 8601. */
  declare readonly notBefore: pulumi.Output<string>;
  /** ISO 8601. */
  declare readonly notAfter: pulumi.Output<string>;
  /** PKCS #8, PEM; secret. */
  declare readonly privateKey: pulumi.Output<string>;

  constructor(name: string, args: RootCertificateArgs, opts?: pulumi.CustomResourceOptions) {
    const { organisation, domain, lifetimeDays = 3650, keyVersion = 1 } = args;
    super(
      "rootCertificate",
      "RootCertificate",
      name,
      { organisation, domain, lifetimeDays, keyVersion, ...OUTPUTS },
      pulumi.mergeOptions(opts, SECRET),
    );
  }
}

/** Arguments of an intermediate certificate. */
export interface IntermediateCertificateArgs {
  /** Who signs it. */
  root: RootCertificate;
  /**
   * How long it is valid, in days from 1 to 36500; never longer than the root. Another value makes a new one. Default:
   * 1095.
   */
  lifetimeDays?: number;
  /** Raising it makes a new intermediate in place; the root and what devices trust stay. Default: 1. */
  keyVersion?: number;
}

/**
 * What signs leaves, below a {@link RootCertificate} and with its limits. Its key goes to the host of the authority.
 */
export class IntermediateCertificate extends DynamicResource {
  /** PEM. */
  declare readonly certificate: pulumi.Output<string>;
  /** SHA-256, upper-case pairs with colons. */
  declare readonly fingerprint: pulumi.Output<string>;
  /** ISO 8601. */
  declare readonly notBefore: pulumi.Output<string>;
  /** ISO 8601. */
  declare readonly notAfter: pulumi.Output<string>;
  /** PKCS #8, PEM; secret. */
  declare readonly privateKey: pulumi.Output<string>;

  constructor(name: string, args: IntermediateCertificateArgs, opts?: pulumi.CustomResourceOptions) {
    const { root, lifetimeDays = 1095, keyVersion = 1 } = args;
    const signer = { rootCertificate: root.certificate, rootPrivateKey: pulumi.secret(root.privateKey) };
    super(
      "intermediateCertificate",
      "IntermediateCertificate",
      name,
      { ...signer, lifetimeDays, keyVersion, ...OUTPUTS },
      pulumi.mergeOptions(opts, SECRET),
    );
  }
}
