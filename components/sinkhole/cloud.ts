/** What the sinkhole consists of at Hetzner: keys, addresses, firewall, server. */
import * as hcloud from "@pulumi/hcloud";
import * as pulumi from "@pulumi/pulumi";
import { md5Fingerprint, parseOpenSshPublicKey } from "../../model";
import { checkOffer, type Wanted } from "./offer";

/** The label that tells what this very component made from everything else in the project. */
export const OWNER_LABEL = "intranet";

/** The labels of everything that is made: at most 63 characters of Hetzner's alphabet. */
export function labelsFor(name: string, more: Record<string, string> = {}): Record<string, string> {
  const owner = `${pulumi.getProject()}.${pulumi.getStack()}.${name}`
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, 63)
    .replace(/[._-]+$/, "");
  return { ...more, "managed-by": "pulumi-intranet", [OWNER_LABEL]: owner };
}

/**
 * The ids of the operator's keys. Hetzner takes a key only once a project: one that somebody else brought is found by
 * its fingerprint and used; else it is made. Keys with our own label are not "somebody else's", so the next preview
 * finds the same.
 */
export function sshKeyIds(
  parent: pulumi.Resource,
  name: string,
  keys: readonly string[],
  labels: Record<string, string>,
): pulumi.Output<string[]> {
  const present = hcloud.getSshKeysOutput({}, { parent });
  const others = present.sshKeys.apply((found) =>
    found.filter((key) => key.labels?.[OWNER_LABEL] !== labels[OWNER_LABEL]),
  );
  return pulumi.all(
    keys.map((line) => {
      const key = parseOpenSshPublicKey(line)!;
      const fingerprint = md5Fingerprint(key);
      return others.apply((found) => {
        const match = found.find((other) => other.fingerprint === fingerprint);
        if (match) return pulumi.output(String(match.id));
        const short = fingerprint.replaceAll(":", "").slice(0, 8);
        const publicKey = `${key.type} ${key.blob.toString("base64")}`;
        return new hcloud.SshKey(
          `${name}-ssh-key-${short}`,
          { name: `${labels[OWNER_LABEL]}-${short}`, publicKey, labels },
          { parent },
        ).id;
      });
    }),
  );
}

/**
 * In a preview: whether the cloud offers the server, unless it is there and stays as it is. What the token may not read
 * is passed over, for an update says it as well. Resolves to what was asked for, whose use makes the preview wait for
 * that.
 *
 * @throws ValidationError, later, with what is not offered, and what is
 */
export async function offered(
  parent: pulumi.Resource,
  subject: string,
  serverName: string,
  wanted: Wanted,
): Promise<Wanted> {
  if (!pulumi.runtime.isDryRun()) return wanted;
  const opts = { parent };
  const orNothing = <T>(answer: Promise<T>): Promise<T | undefined> => answer.catch(() => undefined);
  const servers = await orNothing(hcloud.getServers({}, opts));
  if (servers?.servers === undefined) return wanted;
  const there = servers.servers.find(({ name }) => name === serverName);
  if (there && (["serverType", "image", "location"] as const).every((field) => there[field] === wanted[field]))
    return wanted;
  const [types, images, locations] = await Promise.all([
    orNothing(hcloud.getServerTypes(opts)),
    orNothing(hcloud.getImages({ includeDeprecated: true }, opts)),
    orNothing(hcloud.getLocations(opts)),
  ]);
  const offer = { serverTypes: types?.serverTypes, images: images?.images, locations: locations?.locations };
  checkOffer(wanted, offer, there).throwIfAny(subject);
  return wanted;
}

const ANYWHERE = ["0.0.0.0/0", "::/0"];

/**
 * The rules in front of the server: what does not match is dropped before it arrives. `tcpPorts` are those of public
 * services.
 */
export function firewallRules(
  management: readonly string[],
  udpPorts: readonly number[],
  tcpPorts: readonly number[] = [],
): hcloud.types.input.FirewallRule[] {
  const rule = (
    description: string,
    protocol: string,
    port: string | undefined,
    sourceIps: string[],
  ): hcloud.types.input.FirewallRule => ({
    description,
    direction: "in",
    protocol,
    ...(port === undefined ? {} : { port }),
    sourceIps,
  });
  return [
    rule("SSH from where the operator is", "tcp", "22", [...management]),
    rule("ACCESS DENIED over http", "tcp", "80", ANYWHERE),
    rule("ACCESS DENIED over https", "tcp", "443", ANYWHERE),
    ...tcpPorts.map((port) => rule("public services", "tcp", String(port), ANYWHERE)),
    ...[...udpPorts].sort((a, b) => a - b).map((port) => rule("WireGuard", "udp", String(port), ANYWHERE)),
    rule("ping and path MTU", "icmp", undefined, ANYWHERE),
  ];
}

/** A primary address that outlives its server, with its reverse name. */
export function primaryAddress(
  parent: pulumi.Resource,
  name: string,
  args: {
    type: "ipv4" | "ipv6";
    cloudName: string;
    location: string;
    labels: Record<string, string>;
    protect: boolean;
  },
): hcloud.PrimaryIp {
  return new hcloud.PrimaryIp(
    `${name}-${args.type}`,
    {
      name: `${args.cloudName}-${args.type}`,
      type: args.type,
      location: args.location,
      assigneeType: "server",
      autoDelete: false,
      deleteProtection: args.protect,
      labels: args.labels,
    },
    // An address that nothing has yet is called "unassigned" by the API, and "server" later.
    { parent, protect: args.protect, ignoreChanges: ["assigneeType"] },
  );
}
