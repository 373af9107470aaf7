import * as pulumi from "@pulumi/pulumi";
import { WireGuardKey, type ConnectionArgs } from "../../host";
import {
  exposureOf,
  formatIssue,
  planIntranet,
  type ExposureRow,
  type HostSpec,
  type IntranetPlan,
  type LinkPlan,
} from "../../model";
import type { ManagedHost } from "../common/managed-host";
import { HostIdentity } from "../host-identity/host-identity";
import { PublicDns } from "../public-dns/public-dns";
import { ReverseProxy } from "../reverse-proxy/reverse-proxy";
import { RoadWarrior } from "../road-warrior/road-warrior";
import { Sinkhole } from "../sinkhole/sinkhole";
import type { WireGuardEnd } from "../wireguard/args";
import { DeviceHub } from "../wireguard/device-hub";
import { WireGuardLink } from "../wireguard/wireguard-link";
import type { IntranetArgs } from "./args";
import { summarise, type SummaryRow } from "./summary";

/** A device's way in, three times the same. */
export interface DeviceOutputs {
  /** The file for WireGuard's clients. */
  readonly configuration: string;
  /** A picture to scan, SVG. */
  readonly qrSvg: string;
  /** The picture for a terminal. */
  readonly qrTerminal: string;
}

/**
 * A whole intranet from one description: the sinkhole and its public names, a tunnel to each site, the way in for devices, and a
 * proxy wherever services run. It only puts together what each component can do alone.
 */
export class Intranet extends pulumi.ComponentResource {
  /** What follows from the description: addresses, links, names. */
  public readonly plan: IntranetPlan;
  /** What runs where. */
  public readonly summary: pulumi.Output<SummaryRow[]>;
  /** Who can reach what. */
  public readonly exposure: ExposureRow[];
  /** Each device's configuration, by name. Secret. */
  public readonly devices: pulumi.Output<Record<string, DeviceOutputs>>;
  /** The public face. */
  public readonly sinkhole: Sinkhole;
  /** What to enter on the routers of sites with `router: "static"`, by site. */
  public readonly staticRoutes: Record<string, readonly { destination: string; gateway: string }[]>;

  /** @throws ValidationError with every problem of the description, before anything is made */
  constructor(name: string, args: IntranetArgs, opts?: pulumi.ComponentResourceOptions) {
    const { sshPublicKeys, zone, protect, caa, ...spec } = args;
    const plan = planIntranet(name, spec);
    super("intranet:intranet:Intranet", name, {}, opts);
    this.plan = plan;
    for (const warning of plan.warnings) void pulumi.log.warn(formatIssue(warning), this);

    this.sinkhole = new Sinkhole(
      `${name}-sinkhole`,
      {
        ...args.sinkhole,
        domain: plan.domain,
        space: plan.space,
        identity: plan.hosts[plan.hub]!.identity,
        sshPublicKeys,
        udpPorts: [plan.deviceHub.listenPort, ...plan.links.map((link) => link.a.listenPort!)],
        ...(protect === undefined ? {} : { protect }),
      },
      { parent: this },
    );
    const { ipv4, ipv6 } = this.sinkhole;
    new PublicDns(
      `${name}-dns`,
      { zone: zone ?? plan.domain, domain: plan.domain, ipv4, ipv6, ...(caa ? { caa } : {}) },
      { parent: this },
    );
    const hub = { ...this.sinkhole.host, after: this.sinkhole.ready };
    for (const link of plan.links) this.site(name, link, hub, args);
    this.devices = this.deviceHub(name, hub, args);

    this.summary = pulumi.all([ipv4, ipv6]).apply(([v4, v6]) => summarise(plan, { ipv4: v4, ipv6: v6 }));
    this.exposure = exposureOf(plan, args.sinkhole.management);
    this.staticRoutes = Object.fromEntries(
      Object.entries(plan.sites).map(([site, { staticRoutes }]) => [site, staticRoutes]),
    );
    this.registerOutputs({
      summary: this.summary,
      exposure: this.exposure,
      devices: this.devices,
      staticRoutes: this.staticRoutes,
    });
  }

  /** A site: its host's identity, its tunnel, and a proxy if services run there. */
  private site(name: string, link: LinkPlan, hub: ManagedHost, args: IntranetArgs): void {
    const { plan } = this;
    const site = link.b.host;
    const host: ManagedHost = { connection: connectionTo(args.sites[site]!.host) };
    const { identity } = plan.hosts[site]!;
    const { forwarding } = plan.sites[site]!;
    const own = new HostIdentity(
      `${name}-site-${site}`,
      { ...host, ...identity, space: plan.space, forwarding },
      { parent: this },
    );

    const endpoint = { address: this.sinkhole.ipv4, port: link.a.listenPort! };
    const a: WireGuardEnd = {
      ...hub,
      ...link.a,
      routes: [...link.a.routes],
      endpoint,
      source: plan.hosts[plan.hub]!.identity,
    };
    const b: WireGuardEnd = { ...host, after: own.ready, ...link.b, routes: [...link.b.routes], source: identity };
    new WireGuardLink(`${name}-link-${site}`, { a, b, mtu: link.mtu }, { parent: this });

    const services = Object.values(plan.services).filter((service) => service.host === site);
    if (services.length === 0) return;
    const sites = services.map((service) => ({ hostname: [service.fqdn], upstream: `127.0.0.1:${service.port}` }));
    const listen = [identity.v4, identity.v6, plan.sites[site]!.hostAddress];
    new ReverseProxy(`${name}-proxy-${site}`, { ...host, after: own.ready, sites, listen }, { parent: this });
  }

  /** Where devices come in, and each device's configuration. */
  private deviceHub(name: string, hub: ManagedHost, args: IntranetArgs): pulumi.Output<Record<string, DeviceOutputs>> {
    const { plan } = this;
    const { listenPort, mtu, pool, address } = plan.deviceHub;
    const key = new WireGuardKey(`${name}-devices-key`, { keyVersion: 1 }, { parent: this });
    const warriors = Object.entries(plan.devices).map(([device, addresses]) => {
      const keyVersion = args.devices?.[device]?.keyVersion ?? 1;
      const way = { publicKey: key.publicKey, address: this.sinkhole.ipv4, port: listenPort };
      const allowedPrefixes = [plan.space.v4, plan.space.v6];
      const warrior = new RoadWarrior(
        `${name}-device-${device}`,
        { device, ...addresses, hub: way, allowedPrefixes, mtu, keyVersion },
        { parent: this },
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
      { parent: this },
    );
    const outputs = warriors.map(({ device, warrior: { configuration, qrSvg, qrTerminal } }) =>
      pulumi
        .all([configuration, qrSvg, qrTerminal])
        .apply(([file, svg, terminal]) => ({ device, file, svg, terminal })),
    );
    return pulumi.secret(pulumi.all(outputs).apply(byDevice));
  }
}

function byDevice(
  outputs: readonly { device: string; file: string; svg: string; terminal: string }[],
): Record<string, DeviceOutputs> {
  const entries = outputs.map(({ device, file, svg, terminal }) => {
    return [device, { configuration: file, qrSvg: svg, qrTerminal: terminal }] as const;
  });
  return Object.fromEntries(entries);
}

function connectionTo(host: HostSpec): ConnectionArgs {
  const { address, port, user, hostKeys } = host;
  return {
    address,
    hostKeys: hostKeys ?? [],
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
  };
}
