import * as command from "@pulumi/command";
import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { HostRole, SshHostKey, type ConnectionArgs } from "../../host";
import { addressAt, DEVICE_INTERFACE, formatAddress, parsePrefix } from "../../model";
import { insidePrefixes } from "../common/inside";
import type { ManagedHost } from "../common/managed-host";
import { roleHost, roleOptions } from "../common/managed-host";
import { certificateRole, pageRole } from "../denied-page/roles";
import { HostIdentity } from "../host-identity/host-identity";
import { firewallRole } from "../host-identity/roles";
import type { SinkholeArgs } from "./args";
import { checkSinkhole } from "./check";
import { firewallRules, labelsFor, offered, primaryAddress, sshKeyIds } from "./cloud";
import { limitsRole } from "./limits";
import { deliveryRole } from "./delivery";
import { renderSinkholeRules } from "./firewall";
import { publicPorts, publishedOf, WEB_PORTS } from "./published";
import { sshRole } from "./roles";
import { renderUserData, WAIT_FOR_FIRST_BOOT } from "./user-data";

/**
 * The public face of the intranet: a server at Hetzner that answers everybody with ACCESS DENIED and is the hub of the
 * tunnels.
 *
 * Its addresses are resources of their own and outlive it. It is behind Hetzner's firewall from its first packet on and
 * forwards for nobody but the tunnels. Both its host keys are the library's: the first is in the user data, which
 * Hetzner and every program on the server can read, so it is accepted only from a server that was never seen before,
 * and is replaced at once.
 */
export class Sinkhole extends pulumi.ComponentResource {
  /** The public IPv4 address. */
  public readonly ipv4: pulumi.Output<string>;
  /** The public IPv6 address: the first of its network. */
  public readonly ipv6: pulumi.Output<string>;
  /** The /64 that Hetzner routes to the server. */
  public readonly ipv6Network: pulumi.Output<string>;
  /** The number of the IPv6 address at Hetzner, for reverse names within its network. */
  public readonly ipv6Id: pulumi.Output<number>;
  /** The SSH host key, `ssh-ed25519 AAAA…`. */
  public readonly hostPublicKey: pulumi.Output<string>;
  /** The way to the host, for roles on it. */
  public readonly connection: ConnectionArgs;
  /** The same with what roles live and die with. */
  public readonly host: ManagedHost;
  /** What roles on it wait for: SSH with its host key, firewall, identity. */
  public readonly ready: pulumi.Resource[];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: SinkholeArgs, opts?: pulumi.ComponentResourceOptions) {
    checkSinkhole(`sinkhole "${name}"`, args);
    super("intranet:sinkhole:Sinkhole", name, {}, opts);
    const protect = args.protect ?? true;
    const serverName = args.serverName ?? "vps";
    const labels = labelsFor(name, args.labels);
    const cloudName = args.namePrefix === undefined ? serverName : `${args.namePrefix}-${serverName}`;
    const place = { cloudName, location: args.location, labels, protect };
    const ipv4 = primaryAddress(this, name, { ...place, type: "ipv4" });
    const ipv6 = primaryAddress(this, name, { ...place, type: "ipv6" });
    this.ipv4 = ipv4.ipAddress;
    this.ipv6Network = ipv6.ipNetwork;
    this.ipv6 = ipv6.ipNetwork.apply(firstAddress);
    this.ipv6Id = ipv6.id.apply(Number);
    this.reverseNames(name, `${serverName}.${args.domain}`, ipv4, ipv6);

    const firstKey = new SshHostKey(`${name}-first-host-key`, { keyVersion: 1 }, { parent: this });
    const key = new SshHostKey(`${name}-host-key`, { keyVersion: args.hostKeyVersion ?? 1 }, { parent: this });
    this.hostPublicKey = key.publicKey;
    const server = this.server(name, args, { cloudName, labels, protect, ipv4, ipv6, firstKey });
    this.connection = {
      name: serverName,
      address: this.ipv4,
      hostKeys: [this.hostPublicKey],
      operatorKeys: args.sshPublicKeys,
    };
    this.host = { connection: this.connection, machine: server.id, deletedWith: server };
    const firstBoot = this.firstBoot(name, server, firstKey);
    this.ready = this.roles(name, args, firstBoot, { firstKey, key });
    this.registerOutputs({
      ipv4: this.ipv4,
      ipv6: this.ipv6,
      ipv6Network: this.ipv6Network,
      ipv6Id: this.ipv6Id,
      hostPublicKey: this.hostPublicKey,
    });
  }

  private reverseNames(name: string, dnsPtr: string, ipv4: hcloud.PrimaryIp, ipv6: hcloud.PrimaryIp): void {
    new hcloud.Rdns(
      `${name}-rdns-ipv4`,
      { primaryIpId: ipv4.id.apply(Number), ipAddress: ipv4.ipAddress, dnsPtr },
      { parent: this },
    );
    new hcloud.Rdns(
      `${name}-rdns-ipv6`,
      { primaryIpId: ipv6.id.apply(Number), ipAddress: this.ipv6, dnsPtr },
      { parent: this },
    );
  }

  private server(name: string, args: SinkholeArgs, parts: ServerParts): hcloud.Server {
    const firewall = new hcloud.Firewall(
      `${name}-firewall`,
      {
        name: `${parts.cloudName}-firewall`,
        labels: parts.labels,
        rules: firewallRules(args.management.from, args.udpPorts, publicPorts(args.published)),
      },
      { parent: this },
    );
    const { location, serverType, image } = args;
    const subject = `sinkhole "${name}"`;
    const choice = pulumi.output(offered(this, subject, parts.cloudName, { location, serverType, image }));
    return new hcloud.Server(
      `${name}-server`,
      {
        name: parts.cloudName,
        location: choice.location,
        serverType: choice.serverType,
        image: choice.image,
        labels: parts.labels,
        firewallIds: [firewall.id.apply(Number)],
        publicNets: [
          {
            ipv4Enabled: true,
            ipv4: parts.ipv4.id.apply(Number),
            ipv6Enabled: true,
            ipv6: parts.ipv6.id.apply(Number),
          },
        ],
        sshKeys: sshKeyIds(this, name, args.sshPublicKeys, parts.labels),
        userData: pulumi.secret(
          pulumi
            .all([parts.firstKey.privateKey, parts.firstKey.publicKey])
            .apply(([privateKey, publicKey]) => renderUserData({ privateKey, publicKey })),
        ),
        deleteProtection: parts.protect,
        rebuildProtection: parts.protect,
      },
      {
        parent: this,
        protect: parts.protect,
        ignoreChanges: ["userData", "sshKeys"],
        deleteBeforeReplace: true,
        // Its provider would wait for 90 minutes; a server is there within one.
        customTimeouts: { create: "10m" },
      },
    );
  }

  /**
   * Waits until the first boot of a new server is over, which shows its first host key and nothing else. The operator's
   * key comes from the agent at SSH_AUTH_SOCK: none is stored.
   */
  private firstBoot(name: string, server: hcloud.Server, firstKey: SshHostKey): pulumi.Resource {
    return new command.remote.Command(
      `${name}-first-boot`,
      {
        connection: {
          host: this.ipv4,
          user: "root",
          hostKey: firstKey.publicKey,
          dialErrorLimit: 60,
          perDialTimeout: 10,
        },
        create: WAIT_FOR_FIRST_BOOT,
        logging: "none",
        triggers: [server.id],
      },
      { parent: this, dependsOn: [server], deletedWith: server, customTimeouts: { create: "10m" } },
    );
  }

  private roles(
    name: string,
    args: SinkholeArgs,
    firstBoot: pulumi.Resource,
    { firstKey, key }: Record<"firstKey" | "key", SshHostKey>,
  ): pulumi.Resource[] {
    const published = publishedOf(args, this.ipv6Network);
    const rules = renderSinkholeRules({
      space: args.space,
      udpPorts: args.udpPorts,
      deviceInterface: args.deviceInterface ?? DEVICE_INTERFACE,
      management: insidePrefixes(args.management.from, args.space),
      devicesReachEachOther: args.devicesReachEachOther ?? false,
      ...(published ? { published } : {}),
    });
    const role = (suffix: string, content: ReturnType<typeof firewallRole>, after: pulumi.Resource[]): HostRole =>
      new HostRole(`${name}-${suffix}`, { ...roleHost(this.host), ...content }, roleOptions(this, this.host, after));
    const content = sshRole({
      hostKey: key,
      firstKey: firstKey.publicKey,
      sshPublicKeys: args.sshPublicKeys,
      jumpTo: args.jumpTo ?? ["any"],
    });
    const ssh = role("ssh", content, [firstBoot]);
    const firewall = role("host-firewall", firewallRole("sinkhole-firewall", rules, published?.values), [ssh]);
    const limits = role("limits", limitsRole([...WEB_PORTS, ...(published?.guestPorts ?? [])]), [firewall]);
    const identity = new HostIdentity(
      `${name}-identity`,
      {
        ...this.host,
        after: [firewall],
        ...args.identity,
        space: args.space,
        forwarding: "transit",
        firewall: "own",
        unusedPrefixes: [this.ipv6Network],
        role: "sinkhole",
      },
      { parent: this },
    );
    if (args.webServer !== "own") {
      const certificate = role("certificate", certificateRole(), [firewall]);
      role("page", pageRole(args.domain), [certificate]);
    }
    const ready = [ssh, firewall, limits, ...identity.ready];
    if (!published?.onLink) return ready;
    const { public_network: _, ...values } = published.values;
    const addresses = published.services.map(({ address }) => address);
    return [...ready, role("delivery", deliveryRole(addresses, values), ready)];
  }
}

/** What the server is put together from. */
interface ServerParts {
  readonly cloudName: string;
  readonly labels: Record<string, string>;
  readonly protect: boolean;
  readonly ipv4: hcloud.PrimaryIp;
  readonly ipv6: hcloud.PrimaryIp;
  readonly firstKey: SshHostKey;
}

/** Hetzner's own choice for a server's IPv6 address: ::1 of its /64. */
function firstAddress(network: string): string {
  const prefix = parsePrefix(network);
  if (!prefix)
    throw new pulumi.RunError(
      `Hetzner named ${JSON.stringify(network)} as the IPv6 network of the primary IP, which is no prefix`,
    );
  return formatAddress(addressAt(prefix, 1n));
}
