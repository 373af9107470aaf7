import { createPrivateKey, createPublicKey } from "node:crypto";
import { utils } from "ssh2";
import { KeyProvider, SharedSecretProvider, type SharedSecretOutputs } from "../../../host/keys/key-provider";
import { openSshPrivate } from "../../../host/keys/openssh";
import { makeSharedSecret, makeSshHostPair, makeTunnelPairs, makeWireGuardPair } from "../../../host/keys/pairs";
import { type ProviderName, stub } from "../../../host/dynamic";
import { isWireGuardKey } from "../../../model";
import * as provider from "../../../host/provider";

const PROVIDERS: ProviderName[] = [
  "role",
  "enrolledHost",
  "wireGuardKey",
  "tunnelKeys",
  "sshHostKey",
  "sharedSecret",
  "rootCertificate",
  "intermediateCertificate",
];

test.each(PROVIDERS)("the code of %s in the state is one constant line, and loads the installed package's", (name) => {
  const text = stub(name);
  expect(text).toBe(`exports.handler = () => require("pulumi-intranet/host/provider").${name};\n`);
  const module = { exports: {} as { handler?: () => object } };
  const installed = { [name]: { create: () => undefined } };
  new Function("exports", "require", text)(module.exports, (path: string) => {
    expect(path).toBe("pulumi-intranet/host/provider");
    return installed;
  });
  expect(module.exports.handler?.()).toBe(installed[name]);
});

test("every provider of the package has a name in this list", () => {
  expect(Object.keys(provider).sort()).toEqual([...PROVIDERS].sort());
});

/** The public half of a WireGuard private key. */
function publicHalf(privateKey: string): string {
  const secret = Buffer.from(privateKey, "base64");
  const der = Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), secret]);
  const key = createPublicKey(createPrivateKey({ key: der, type: "pkcs8", format: "der" }));
  return Buffer.from(key.export({ format: "jwk" }).x!, "base64url").toString("base64");
}

test("a WireGuard pair is X25519 in WireGuard's form", () => {
  const pair = makeWireGuardPair();
  const secret = Buffer.from(pair.privateKey, "base64");
  expect(secret).toHaveLength(32);
  expect([secret[0]! & 7, secret[31]! & 192]).toEqual([0, 64]);
  expect(publicHalf(pair.privateKey)).toBe(pair.publicKey);
  expect(makeWireGuardPair().privateKey).not.toBe(pair.privateKey);
});

test("a tunnel's ends have a WireGuard pair each, each its own", () => {
  const pairs = makeTunnelPairs();
  expect(Object.keys(pairs).sort()).toEqual(["privateKeyA", "privateKeyB", "publicKeyA", "publicKeyB"]);
  for (const key of Object.values(pairs)) expect(isWireGuardKey(key)).toBe(true);
  expect(new Set([...Object.values(pairs), ...Object.values(makeTunnelPairs())]).size).toBe(8);
  const ends = [
    [pairs.privateKeyA, pairs.publicKeyA],
    [pairs.privateKeyB, pairs.publicKeyB],
  ] as const;
  for (const [privateKey, publicKey] of ends) expect(publicHalf(privateKey)).toBe(publicKey);
});

test("an SSH host pair is Ed25519 in OpenSSH's form, and its halves fit", () => {
  const pair = makeSshHostPair();
  expect(pair.publicKey).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]{68}$/);
  expect(pair.privateKey).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n[^]*-----END OPENSSH PRIVATE KEY-----\n$/);
  const [secret, open] = [utils.parseKey(pair.privateKey), utils.parseKey(pair.publicKey)];
  if (secret instanceof Error || open instanceof Error) throw new Error("not parsed");
  const data = Buffer.from("x");
  expect(open.verify(data, secret.sign(data))).toBe(true);
});

test("keys whose halves begin with zero bytes are written whole", () => {
  for (const first of [0, 1, 127, 128, 255]) {
    const [seed, open] = [Buffer.alloc(32, first), Buffer.alloc(32, first)];
    const parsed = utils.parseKey(openSshPrivate(seed, open));
    if (parsed instanceof Error) throw parsed;
    expect(parsed.getPublicSSH().subarray(-32)).toEqual(open);
  }
  for (let count = 0; count < 600; count += 1)
    expect(utils.parseKey(makeSshHostPair().privateKey)).not.toBeInstanceOf(Error);
});

describe("a key resource", () => {
  const provider = new KeyProvider("wireguard-key", makeWireGuardPair);

  test("is changed by its version and by nothing else", async () => {
    const { id, outs } = await provider.create({ keyVersion: 1 });
    expect(id).toMatch(/^wireguard-key-/);
    expect(await provider.diff(id, outs, { keyVersion: 1, __provider: "new text" })).toEqual({ changes: false });
    expect(await provider.diff(id, outs, { keyVersion: 2 })).toEqual({ changes: true });
    const next = (await provider.update(id, outs, { keyVersion: 2 })).outs as { privateKey: string };
    expect(next.privateKey).not.toBe((outs as { privateKey: string }).privateKey);
  });

  test("says what it was given to say where its version changes, and refuses where it must not change", async () => {
    const said: string[] = [];
    const telling = new KeyProvider("wireguard-key", makeWireGuardPair, (line) => said.push(line));
    const change = (more: object, before?: number) =>
      telling.check(before === undefined ? undefined : { keyVersion: before }, { keyVersion: 2, ...more });
    for (const before of [undefined, 2]) {
      expect((await change({ notice: "down for a moment" }, before)).failures).toEqual([]);
      expect((await change({ fixed: "not in place" }, before)).failures).toEqual([]);
    }
    expect(said).toEqual([]);
    expect((await change({ notice: "down for a moment" }, 1)).failures).toEqual([]);
    expect(said).toEqual(["down for a moment"]);
    expect((await change({ fixed: "not in place" }, 1)).failures).toEqual([
      { property: "keyVersion", reason: "not in place" },
    ]);
  });

  test("that several hosts know keeps the one before, which comes back with its version", async () => {
    const shared = new SharedSecretProvider("shared-secret", makeSharedSecret);
    const { outs: first } = (await shared.create({ keyVersion: 1 })) as { outs: SharedSecretOutputs };
    // A preview takes what the state lacks for unknown.
    expect(first).toMatchObject({ previous: first.value, previousVersion: 1 });
    const raised = async (olds: SharedSecretOutputs, keyVersion: number): Promise<SharedSecretOutputs> =>
      (await shared.update("", olds, { keyVersion })).outs as SharedSecretOutputs;
    const second = await raised(first, 2);
    expect(second).toMatchObject({ keyVersion: 2, previous: first.value, previousVersion: 1 });
    expect(second.value).not.toBe(first.value);
    expect(await raised(second, 1)).toMatchObject({ value: first.value, previous: second.value, previousVersion: 2 });
    const third = await raised(second, 3);
    expect(third.previous).toBe(second.value);
    expect([first.value, second.value]).not.toContain(third.value);
  });

  test("refuses a version that is none", async () => {
    for (const keyVersion of [0, -1, 1.5, "1", undefined])
      expect((await provider.check({}, { keyVersion })).failures).toEqual([
        { property: "keyVersion", reason: expect.stringMatching(/whole number from 1/) },
      ]);
  });
});

test("a shared secret is 32 bytes, another one each time", () => {
  const { value } = makeSharedSecret();
  expect(Buffer.from(value, "base64")).toHaveLength(32);
  expect(makeSharedSecret().value).not.toBe(value);
});
