/** The way in for devices. */
import * as pulumi from "@pulumi/pulumi";
import { WireGuardKey } from "../../host";
import type { ManagedHost } from "../common/managed-host";
import { RoadWarrior } from "../road-warrior/road-warrior";
import { DeviceHub } from "../wireguard/device-hub";
import type { Parts } from "./parts";

/** A device's way in, three times the same. */
export interface DeviceOutputs {
  /** The file for WireGuard's clients. */
  readonly configuration: string;
  /** A picture to scan, SVG. */
  readonly qrSvg: string;
  /** The picture for a terminal. */
  readonly qrTerminal: string;
}

/** Where devices come in, and each device's configuration, by name. Secret. */
export function makeDevices(parts: Parts, hub: ManagedHost): pulumi.Output<Record<string, DeviceOutputs>> {
  const { name, parent, plan, args, sinkhole } = parts;
  const { listenPort, mtu, pool, address } = plan.deviceHub;
  // Of the name servers the IPv4 addresses: both families give the same answers, and QR codes stay small.
  const dns = plan.dns?.servers.map((server) => plan.hosts[server]!.identity.v4);
  const key = new WireGuardKey(`${name}-devices-key`, { keyVersion: 1 }, { parent });
  const warriors = Object.entries(plan.devices).map(([device, addresses]) => {
    const keyVersion = args.devices?.[device]?.keyVersion ?? 1;
    const way = { publicKey: key.publicKey, address: sinkhole.ipv4, port: listenPort };
    const allowedPrefixes = [plan.space.v4, plan.space.v6];
    const warrior = new RoadWarrior(
      `${name}-device-${device}`,
      { device, ...addresses, hub: way, allowedPrefixes, mtu, keyVersion, ...(dns ? { dns } : {}) },
      { parent },
    );
    return { device, addresses, warrior };
  });
  const peers = warriors.map(({ device, addresses, warrior }) => ({
    name: device,
    ...addresses,
    publicKey: warrior.publicKey,
  }));
  new DeviceHub(
    `${name}-devices`,
    { ...hub, interface: plan.deviceHub.interface, listenPort, address, pool, key, devices: peers, mtu },
    { parent },
  );
  const outputs = warriors.map(({ device, warrior: { configuration, qrSvg, qrTerminal } }) => {
    return [device, { configuration, qrSvg, qrTerminal }] as const;
  });
  return pulumi.secret(pulumi.all(Object.fromEntries(outputs)));
}
