/** Pulumi without an engine: every resource that a program makes is noted with its inputs and its options. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { hashId } from "../../model";

/** A resource that was registered. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

/** What the pretended Hetzner project holds already. */
export interface World {
  sshKeys: { id: number; name: string; fingerprint: string; labels: Record<string, string>; publicKey: string }[];
  /** What it says of servers, types, images and places, by the name of the call; a call that is not here is refused. */
  cloud: Record<string, Record<string, unknown>>;
  /** Whether the hosts that are brought in by a script have been seen. */
  enrolled: boolean;
  /** From when to when an authority's certificates are valid. */
  validity: { notBefore: string; notAfter: string };
}

const FRESH = { notBefore: "2026-01-01T00:00:00Z", notAfter: "2126-01-01T00:00:00Z" };

/** An empty project, and no enrolled host. */
export const world: World = { sshKeys: [], cloud: {}, enrolled: false, validity: FRESH };

/** Everything registered so far, in order. */
export const registered: Registered[] = [];

const DYNAMIC = "pulumi-nodejs:dynamic/intranet/host:";

/** The types of the host layer's resources. */
export const TYPES = {
  role: `${DYNAMIC}HostRole`,
  wireGuardKey: `${DYNAMIC}WireGuardKey`,
  tunnelKeys: `${DYNAMIC}TunnelKeys`,
  sshHostKey: `${DYNAMIC}SshHostKey`,
  sharedSecret: `${DYNAMIC}SharedSecret`,
  enrolledHost: `${DYNAMIC}EnrolledHost`,
  rootCertificate: `${DYNAMIC}RootCertificate`,
  intermediateCertificate: `${DYNAMIC}IntermediateCertificate`,
} as const;

/** A text of a WireGuard public key's form, another one for each name. */
export function publicKeyOf(name: string): string {
  return createHash("sha256").update(name).digest("base64");
}

/** An SSH public key's text of the right form, another one for each name. */
export function sshKeyOf(name: string): string {
  const text = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const key = createHash("sha256").update(name).digest();
  return `ssh-ed25519 ${Buffer.concat([text(Buffer.from("ssh-ed25519")), text(key)]).toString("base64")}`;
}

/** A text of a certificate's form, another one for each name. */
export function certificateOf(name: string): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(name).toString("base64")}\n-----END CERTIFICATE-----\n`;
}

/** Ids as a cloud gives them: numbers, the same for the same name. */
function idOf(name: string): string {
  return String(hashId("mock", name, { first: 100, last: 1_000_000_000 }));
}

function stateOf(args: pulumi.runtime.MockResourceArgs): Record<string, unknown> {
  switch (args.type) {
    case "hcloud:index/primaryIp:PrimaryIp":
      return args.inputs["type"] === "ipv4"
        ? { ...args.inputs, ipAddress: "198.51.100.10" }
        : { ...args.inputs, ipAddress: "2001:db8:100:1::", ipNetwork: "2001:db8:100:1::/64" };
    case TYPES.wireGuardKey:
      return { ...args.inputs, publicKey: publicKeyOf(args.name), privateKey: `PRIVATE-${args.name}` };
    case TYPES.tunnelKeys: {
      const [a, b] = [`${args.name}-a`, `${args.name}-b`];
      const publicKeys = { publicKeyA: publicKeyOf(a), publicKeyB: publicKeyOf(b) };
      return { ...args.inputs, ...publicKeys, privateKeyA: `PRIVATE-${a}`, privateKeyB: `PRIVATE-${b}` };
    }
    case TYPES.sharedSecret:
      return {
        ...args.inputs,
        value: `SHARED-SECRET-${args.name}`,
        previous: `SHARED-SECRET-${args.name}${args.inputs["keyVersion"] > 1 ? "-before" : ""}`,
      };
    case TYPES.sshHostKey:
      return { ...args.inputs, publicKey: sshKeyOf(args.name), privateKey: "PRIVATE-HOST-KEY" };
    case TYPES.rootCertificate:
    case TYPES.intermediateCertificate:
      return {
        ...args.inputs,
        certificate: certificateOf(args.name),
        fingerprint: "AA:BB",
        ...world.validity,
        privateKey: `PRIVATE-${args.name}`,
      };
    case TYPES.enrolledHost:
      return { ...args.inputs, enrolled: world.enrolled };
    default:
      return args.inputs;
  }
}

function answer(args: pulumi.runtime.MockCallArgs): Record<string, unknown> {
  if (args.token === "hcloud:index/getSshKeys:getSshKeys") return { sshKeys: world.sshKeys };
  if (args.token === "cloudflare:index/getZone:getZone") return { zoneId: "zone-1", id: "zone-1" };
  if (args.token === "cloudflare:index/getDnsRecords:getDnsRecords") return { results: [] };
  const said = world.cloud[/^hcloud:index\/(\w+):/.exec(args.token)?.[1] ?? ""];
  if (said !== undefined) return said;
  throw new Error(`the test has no answer for ${args.token}`);
}

/** Starts anew: nothing registered, the project empty. */
export async function startMocks(preview = false): Promise<void> {
  registered.length = 0;
  world.sshKeys = [];
  world.cloud = {};
  world.enrolled = false;
  world.validity = FRESH;
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => {
        registered.push({ type: args.type, name: args.name, inputs: args.inputs as Record<string, unknown> });
        return { id: args.custom ? idOf(args.name) : "", state: stateOf(args) };
      },
      call: answer,
    },
    "intranet",
    "test",
    preview,
  );
}

/** The value of an Output, and whether it is a secret. */
export async function valueOf<T>(output: pulumi.Output<T>): Promise<{ value: T; secret: boolean }> {
  const inner = output as unknown as { promise(withUnknowns?: boolean): Promise<T>; isSecret: Promise<boolean> };
  return { value: await inner.promise(), secret: await inner.isSecret };
}

/** Waits until the program has registered everything, however deep its Outputs are nested. */
export async function settled(): Promise<void> {
  let before = -1;
  while (registered.length !== before) {
    before = registered.length;
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** All registered resources of a type. */
export function ofType(type: string): Registered[] {
  return registered.filter((resource) => resource.type === type);
}

/** The one resource with that name; an error that lists all names if there is none. */
export function named(name: string): Registered {
  const found = registered.filter((resource) => resource.name === name);
  if (found.length === 1) return found[0]!;
  throw new Error(
    `${found.length} resources are named ${name}; there are ${registered.map((resource) => resource.name).join(", ")}`,
  );
}
