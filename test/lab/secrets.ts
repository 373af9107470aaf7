/** The stack's secrets, as texts that can be searched for. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { pulumiOk } from "./intranet";

/** How Pulumi marks a secret in a state that was exported in clear. */
const SIGNATURE = { key: "4dabf18193072939515e22adb298388d", value: "1b47061264138c4ac30d75fd1eb44270" };
/** What precedes the 32 bytes of an X25519 private key in PKCS #8 (RFC 8410, section 7). */
const X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");

/**
 * 32 bytes in base64: keys of WireGuard, of OSPF and of DNS transfers. A WireGuard key has the same shape whether
 * private or public.
 */
const KEYS = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=/g;
const PRIVATE_KEYS = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----\n([A-Za-z0-9+/=\n]+)-----END/g;

/**
 * Every secret that a text holds, each as a piece that is found nowhere else: a key, or a line of a private key's file.
 */
export function secretsIn(text: string): string[] {
  const plain = text.replaceAll("\\n", "\n");
  const found = new Set([...plain.matchAll(KEYS)].map(([key]) => key));
  for (const [, kind, body] of plain.matchAll(PRIVATE_KEYS)) {
    const lines = body!.split("\n").filter((line) => line.length >= 24);
    // The first line of OpenSSH's format is the same for every Ed25519 key; in PKCS #8, P-256, the last one is of the
    // public key alone.
    for (const line of kind === "OPENSSH PRIVATE KEY" ? lines.slice(1) : lines.slice(0, 2)) found.add(line);
  }
  return [...found];
}

/** The public key of a WireGuard key. */
function publicKey(privateKey: string): string {
  const key = createPrivateKey({
    key: Buffer.concat([X25519, Buffer.from(privateKey, "base64")]),
    format: "der",
    type: "pkcs8",
  });
  return createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-32).toString("base64");
}

/** A secret of the stack's state. */
export interface StackSecret {
  /** The resource that holds it, `stack` for an output. */
  urn: string;
  text: string;
}

/** Every text of the state that is marked as secret. */
export async function stackSecrets(): Promise<StackSecret[]> {
  const found: StackSecret[] = [];
  const walk = (urn: string, value: unknown, secret: boolean): void => {
    if (typeof value === "string") {
      if (secret) found.push({ urn, text: value });
    } else if (Array.isArray(value)) value.forEach((item) => walk(urn, item, secret));
    else if (value !== null && typeof value === "object") {
      const record = value as Record<string, unknown>;
      if (record[SIGNATURE.key] !== SIGNATURE.value) Object.values(record).forEach((item) => walk(urn, item, secret));
      else if (typeof record["plaintext"] === "string") walk(urn, JSON.parse(record["plaintext"]), true);
      else walk(urn, record["value"], true);
    }
  };
  const { deployment } = JSON.parse(await pulumiOk(["stack", "export", "--show-secrets"]));
  for (const { urn, inputs, outputs } of deployment.resources) walk(urn, { inputs, outputs }, false);
  return found;
}

/** The pieces of all those secrets, without public keys, which anybody may read. */
export function pieces(secrets: readonly StackSecret[]): string[] {
  const found = new Set(secrets.flatMap(({ text }) => secretsIn(text)));
  const publics = new Set([...found].filter((piece) => piece.length === 44 && piece.endsWith("=")).map(publicKey));
  return [...found].filter((piece) => !publics.has(piece));
}

/**
 * `HOST PATH` of every file into which a role of an exported stack puts a secret. `names`: those of hosts that are
 * known by their address alone.
 */
export function secretFiles(
  exported: { deployment: { resources: any[] } },
  names: Readonly<Record<string, string>>,
): string[] {
  return exported.deployment.resources
    .filter(({ type }) => String(type).endsWith(":HostRole"))
    .flatMap(({ inputs: { connection, files = {} } }) =>
      Object.entries<any>(files)
        .filter(([, { secrets }]) => secrets !== undefined)
        .map(([file]) => `${connection.name ?? names[connection.address]} ${file}`),
    );
}
