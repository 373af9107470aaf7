import * as pulumi from "@pulumi/pulumi";
import * as qrcode from "qrcode";
import { WireGuardKey } from "../../host";
import {
  checkKeyVersion,
  checkLabel,
  checkPort,
  checkPrefix,
  Issues,
  MIN_TUNNEL_MTU,
  parseAddress,
  show,
} from "../../model";
import { checkAddress } from "../common/check";
import { checkInput, ENDPOINT, known, WIREGUARD_PUBLIC_KEY } from "../common/input";
import type { RoadWarriorArgs } from "./args";
import { renderDeviceConfiguration } from "./render";

/**
 * A device that comes in from anywhere: its key, and its configuration as a file and as QR codes for WireGuard's apps.
 * All of them hold the private key and are secrets: `pulumi stack output --show-secrets` prints them.
 */
export class RoadWarrior extends pulumi.ComponentResource {
  /** The file for `wg-quick` and WireGuard's apps. Secret. */
  public readonly configuration: pulumi.Output<string>;
  /** The same as a picture to scan, SVG. Secret. */
  public readonly qrSvg: pulumi.Output<string>;
  /** The same for a terminal of at least 70 columns. Secret. */
  public readonly qrTerminal: pulumi.Output<string>;
  /** The device's public key, for the hub. */
  public readonly publicKey: pulumi.Output<string>;

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: RoadWarriorArgs, opts?: pulumi.ComponentResourceOptions) {
    checkRoadWarrior(`device "${name}"`, args);
    super("intranet:road-warrior:RoadWarrior", name, {}, opts);
    // Also shown where the device goes, among the inputs of its key.
    const notice = `device ${args.device}: with a new key its configuration stops working, and it must scan the new QR code.`;
    const key = new WireGuardKey(`${name}-key`, { keyVersion: args.keyVersion ?? 1, notice }, { parent: this });
    this.publicKey = key.publicKey;
    const hub = {
      publicKey: known(args.hub.publicKey, "hub.publicKey", WIREGUARD_PUBLIC_KEY),
      address: known(args.hub.address, "hub.address", ENDPOINT),
    };
    this.configuration = pulumi.secret(
      pulumi.all([key.privateKey, hub.publicKey, hub.address]).apply(([privateKey, publicKey, address]) =>
        renderDeviceConfiguration({
          device: args.device,
          privateKey,
          v4: args.v4,
          v6: args.v6,
          hub: { publicKey, address, port: args.hub.port },
          allowedPrefixes: args.allowedPrefixes,
          dns: args.dns ?? [],
          mtu: args.mtu ?? MIN_TUNNEL_MTU,
        }),
      ),
    );
    this.qrSvg = this.configuration.apply((text) => qrcode.toString(text, { type: "svg", errorCorrectionLevel: "L" }));
    this.qrTerminal = this.configuration.apply((text) =>
      qrcode.toString(text, { type: "utf8", errorCorrectionLevel: "L" }),
    );
    this.registerOutputs({ publicKey: this.publicKey, configuration: this.configuration });
  }
}

function checkRoadWarrior(subject: string, args: RoadWarriorArgs): void {
  const issues = new Issues();
  checkLabel(args.device, "device", issues);
  checkAddress(args.v4, "v4", 4, issues);
  checkAddress(args.v6, "v6", 6, issues);
  checkInput(args.hub.publicKey, "hub.publicKey", WIREGUARD_PUBLIC_KEY, issues);
  checkInput(args.hub.address, "hub.address", ENDPOINT, issues);
  checkPort(args.hub.port, "hub.port", issues);
  if (args.allowedPrefixes.length === 0)
    issues.add(
      "allowedPrefixes",
      "at least one prefix must go through the tunnel",
      ["an empty list"],
      "give the space's prefixes",
    );
  args.allowedPrefixes.forEach((text, index) => checkPrefix(text, `allowedPrefixes[${index}]`, issues));
  (args.dns ?? []).forEach((text, index) => {
    if (!parseAddress(text))
      issues.add(`dns[${index}]`, "a resolver must be an address", [show(text)], "write it like 10.31.240.1");
  });
  const mtu = args.mtu ?? MIN_TUNNEL_MTU;
  if (!Number.isInteger(mtu) || mtu < MIN_TUNNEL_MTU || mtu > 8920)
    issues.add("mtu", "must be from 1280, which IPv6 needs, to 8920 bytes", [show(mtu)], "leave it out");
  if (args.keyVersion !== undefined) checkKeyVersion(args.keyVersion, "keyVersion", issues);
  issues.throwIfAny(subject);
}
