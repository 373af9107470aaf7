import * as pulumi from "@pulumi/pulumi";
import { exposureOf, formatIssue, openingsOf, type ExposureRow, type IntranetPlan, type Openings } from "../../model";
import { referenceTo, type HostReference } from "../common/host-from";
import { SSH_PORT } from "../enrolment/enrolment";
import { Sinkhole } from "../sinkhole/sinkhole";
import type { IntranetArgs } from "./args";
import { checkedPlan } from "./check";
import { makeDevices, type DeviceOutputs } from "./devices";
import { makeHosts } from "./hosts";
import { inventoryOf, type Inventory } from "./inventory";
import { makeKeys, makeLinks, makeOspf } from "./links";
import { makeCertificateAuthority, makeDns, makeProxies, makeResolvers } from "./names";
import type { Parts } from "./parts";
import { makeFront, makePublicNames, makePublicRoutes, publishedOf } from "./public";
import { summarise, type SummaryRow } from "./summary";

/** What devices and other machines need to trust the internal CA. */
export interface CertificateAuthorityOutputs {
  /** The root certificate, PEM. */
  readonly rootCertificate: string;
  /** Its SHA-256 fingerprint, to compare with what a device shows. */
  readonly fingerprint: string;
  /** The page inside that hands it out, and explains how devices take it. */
  readonly page: string;
}

/** What LANs need to ask the internal name servers. */
export interface DnsOutputs {
  /** The name servers' addresses. @deprecated a list shifts in previews: {@link DnsOutputs.servers} */
  readonly resolvers: readonly string[];
  /** The IPv4 address at which each name server answers, by host. */
  readonly servers: Readonly<Record<string, string>>;
  /** What to enter in DHCP and router advertisements, as text. */
  readonly dhcp: string;
  /** A script (POSIX sh) that says which resolver answers, and whether it is the right one. */
  readonly doctor: string;
}

/**
 * A whole intranet from one description: the sinkhole and its public names, a tunnel to each site, the way in for
 * devices, and a proxy wherever services run. It only puts together what each component can do alone.
 */
export class Intranet extends pulumi.ComponentResource {
  /** What follows from the description: addresses, links, names. */
  public readonly plan: IntranetPlan;
  /** What there is, by kind and name. */
  public readonly inventory: Inventory;
  /** The managed hosts by name, for other stacks: see {@link hostFrom}. Plain data, nothing secret. */
  public readonly hosts: Readonly<Record<string, pulumi.Output<HostReference>>>;
  /** What can be reached, keyed by what it says: an opening is one line of a preview. */
  public readonly openings: Openings;
  /** What runs where. @deprecated a list shifts in previews: {@link Intranet.inventory} */
  public readonly summary: pulumi.Output<SummaryRow[]>;
  /** Who can reach what. @deprecated a list shifts in previews: {@link Intranet.openings} */
  public readonly exposure: ExposureRow[];
  /** Each device's configuration, by name. Secret. */
  public readonly devices: pulumi.Output<Record<string, DeviceOutputs>>;
  /** The public face. */
  public readonly sinkhole: Sinkhole;
  /**
   * What to enter on the routers of sites with `router: "static"`: by site and destination, the gateway. Sites without
   * any are left out.
   */
  public readonly routes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The same. @deprecated its lists shift in previews: {@link Intranet.routes} */
  public readonly staticRoutes: Record<string, readonly { destination: string; gateway: string }[]>;
  /**
   * By site whose host is joined by a script: `joined`, or what to do. Its roles are made by the first `up` after it
   * has joined.
   */
  public readonly enrolment: Readonly<Record<string, pulumi.Output<string>>>;
  /** Sites whose hosts have not been joined yet. @deprecated a list shifts in previews: {@link Intranet.enrolment} */
  public readonly pending: pulumi.Output<string[]>;
  /** The script that joins a host, by site. Secret. */
  public readonly enrol: pulumi.Output<Record<string, string>>;
  /** The internal CA; undefined where none is described. */
  public readonly certificateAuthority: pulumi.Output<CertificateAuthorityOutputs> | undefined;
  /** The internal names; undefined where none are described. */
  public readonly dns: DnsOutputs | undefined;

  /** @throws ValidationError with every problem of the description, before anything is made */
  constructor(name: string, args: IntranetArgs, opts?: pulumi.ComponentResourceOptions) {
    const plan = checkedPlan(name, args);
    super("intranet:intranet:Intranet", name, {}, opts);
    this.plan = plan;
    for (const warning of plan.warnings) void pulumi.log.warn(formatIssue(warning), this);

    const toHub = plan.links.filter((link) => link.a.host === plan.hub);
    this.sinkhole = new Sinkhole(
      `${name}-sinkhole`,
      {
        ...args.sinkhole,
        domain: plan.domain,
        space: plan.space,
        identity: plan.hosts[plan.hub]!.identity,
        sshPublicKeys: args.sshPublicKeys,
        webServer: "own",
        // By port and not by host: one that leaves is still reached for that.
        jumpTo: [`*:${SSH_PORT}`],
        ...publishedOf(plan),
        udpPorts: [plan.deviceHub.listenPort, ...toHub.flatMap((link) => link.ports)],
        ...(args.protect === undefined ? {} : { protect: args.protect }),
      },
      { parent: this },
    );
    const parts: Parts = { name, parent: this, args, plan, sinkhole: this.sinkhole };
    const front = makeFront(parts);
    const publicNames = makePublicNames(parts);
    const keys = makeKeys(parts);
    const { hosts, enrolments } = makeHosts(parts, keys);
    const routed = makePublicRoutes(parts, makeOspf(parts, makeLinks(parts, keys, hosts), hosts));
    this.devices = makeDevices(parts, hosts[plan.hub]!);
    const names = makeDns(parts, routed);
    const resolving = makeResolvers(parts, routed, names);
    const { authority, trusting } = makeCertificateAuthority(parts, resolving);
    makeProxies(parts, trusting, authority, [publicNames, ...front.ready, ...(routed[plan.hub]!.after ?? [])]);

    this.enrolment = Object.fromEntries(
      Object.entries(enrolments).map(([site, { enrolled }]) => [
        site,
        enrolled.apply((joined) => (joined ? "joined" : `run on it what bin/enrol ${site} prints`)),
      ]),
    );
    this.pending = pulumi
      .all(Object.entries(enrolments).map(([site, { enrolled }]) => enrolled.apply((joined) => (joined ? [] : [site]))))
      .apply((all) => all.flat());
    this.enrol = pulumi.secret(
      pulumi.all(Object.fromEntries(Object.entries(enrolments).map(([site, { script }]) => [site, script]))),
    );
    this.certificateAuthority =
      authority &&
      pulumi.all([authority.rootCertificate, authority.fingerprint]).apply(([rootCertificate, fingerprint]) => ({
        rootCertificate,
        fingerprint,
        page: `http://${authority.page.hostname}`,
      }));
    this.dns = names && {
      resolvers: names.resolvers,
      servers: Object.fromEntries(plan.dns!.servers.map((server) => [server, plan.hosts[server]!.identity.v4])),
      dhcp: names.dhcp,
      doctor: names.doctor,
    };
    this.inventory = inventoryOf(plan, this.sinkhole);
    this.hosts = Object.fromEntries(Object.entries(hosts).map(([host, managed]) => [host, referenceTo(managed)]));
    this.openings = openingsOf(plan, args.sinkhole.management);
    this.routes = routesOf(plan);
    const { ipv4, ipv6 } = this.sinkhole;
    this.summary = pulumi
      .output({ ipv4, ipv6, ipv6Network: this.sinkhole.ipv6Network })
      .apply((addresses) => summarise(plan, addresses));
    this.exposure = exposureOf(plan, args.sinkhole.management);
    this.staticRoutes = Object.fromEntries(
      Object.entries(plan.sites).map(([site, { staticRoutes }]) => [site, staticRoutes]),
    );
    this.registerOutputs({
      inventory: this.inventory,
      hosts: this.hosts,
      openings: this.openings,
      routes: this.routes,
      enrolment: this.enrolment,
      summary: this.summary,
      exposure: this.exposure,
      devices: this.devices,
      staticRoutes: this.staticRoutes,
      pending: this.pending,
    });
  }
}

/** The routes that somebody has to enter, by site and destination. */
function routesOf(plan: IntranetPlan): Record<string, Record<string, string>> {
  const sites = Object.entries(plan.sites).filter(([, { staticRoutes }]) => staticRoutes.length > 0);
  return Object.fromEntries(
    sites.map(([site, { staticRoutes }]) => [
      site,
      Object.fromEntries(staticRoutes.map(({ destination, gateway }) => [destination, gateway])),
    ]),
  );
}
