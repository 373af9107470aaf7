/** The authority's own certificates: what they say, and that no client takes what lies outside of it. */
import { X509Certificate } from "node:crypto";
import { IntermediateProvider, RootProvider } from "../../../host/keys/authority-provider";
import { type CertificateWithKey, makeIntermediate, makeRoot } from "../../../host/keys/x509";
import { CLIENTS, TlsClients } from "../../pki/clients";
import { signLeaf } from "../../pki/leaf";
import { testWith, withFiles } from "../components/checkers";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

jest.setTimeout(180_000);
const SPEC = { organisation: "Müller & Söhne", domain: "intranet.example", lifetimeDays: 3650 };
const DAY = 86_400_000;

let root: CertificateWithKey, intermediate: CertificateWithKey;
beforeAll(async () => {
  root = await makeRoot(SPEC);
  const signer = { rootCertificate: root.certificate, rootPrivateKey: root.privateKey };
  intermediate = await makeIntermediate({ version: 1, lifetimeDays: 1095, ...signer });
});

const text = (pem: string): string =>
  withFiles({ "c.pem": pem }, (folder) => {
    const options = ["x509", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus", "-in", join(folder, "c.pem")];
    return spawnSync("openssl", options, { encoding: "utf8" }).stdout;
  });

const LIMITS = [
  "X509v3 Name Constraints: critical",
  "Permitted:",
  "DNS:intranet.example",
  "email:intranet.example",
  "email:.intranet.example",
  "URI:intranet.example",
  "URI:.intranet.example",
  "Excluded:",
  "IP:0.0.0.0/0.0.0.0",
  "IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0",
];
const flat = (pem: string): string[] =>
  text(pem)
    .split("\n")
    .map((line) => line.trim());

describe("what the certificates say", () => {
  testWith("openssl", "a root: P-256, one level below it, names limited, critically", () => {
    const lines = flat(root.certificate);
    expect(lines).toEqual(
      expect.arrayContaining([
        "ASN1 OID: prime256v1",
        "Subject: O=Müller & Söhne,CN=Müller & Söhne root",
        "X509v3 Basic Constraints: critical",
        "CA:TRUE, pathlen:1",
        "X509v3 Key Usage: critical",
        "Certificate Sign, CRL Sign",
      ]),
    );
    const at = lines.indexOf(LIMITS[0]!);
    expect(lines.slice(at, at + LIMITS.length)).toEqual(LIMITS);
    expect(lines).not.toContain("X509v3 Extended Key Usage:");
  });

  testWith("openssl", "an intermediate: nothing below it but leaves, for TLS only, the same limits", () => {
    const lines = flat(intermediate.certificate);
    expect(lines).toEqual(
      expect.arrayContaining([
        "Subject: O=Müller & Söhne,CN=Müller & Söhne intermediate 1",
        "Issuer: O=Müller & Söhne,CN=Müller & Söhne root",
        "CA:TRUE, pathlen:0",
        "TLS Web Server Authentication, TLS Web Client Authentication",
      ]),
    );
    const at = lines.indexOf(LIMITS[0]!);
    expect(lines.slice(at, at + LIMITS.length)).toEqual(LIMITS);
  });

  test("the keys fit, the root has signed both, serials are random and positive", async () => {
    const [upper, lower] = [new X509Certificate(root.certificate), new X509Certificate(intermediate.certificate)];
    expect(upper.verify(upper.publicKey) && lower.verify(upper.publicKey) && lower.checkIssued(upper)).toBe(true);
    expect(upper.fingerprint256).toBe(root.fingerprint);
    const serials = [upper, lower, new X509Certificate((await makeRoot(SPEC)).certificate)].map((c) => c.serialNumber);
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test("lifetimes are as asked, and no intermediate outlives the root", async () => {
    const life = (from: string, until: string): number => (Date.parse(until) - Date.parse(from)) / DAY;
    expect(life(root.notBefore, root.notAfter)).toBeCloseTo(3650, 0);
    expect(life(intermediate.notBefore, intermediate.notAfter)).toBeCloseTo(1095, 0);
    const signer = { rootCertificate: root.certificate, rootPrivateKey: root.privateKey };
    const long = await makeIntermediate({ version: 2, lifetimeDays: 36_500, ...signer });
    expect(long.notAfter).toBe(root.notAfter);
  });

  test.each([1, 20, 21, 40, 90, 200])("limits to a domain of %i characters more are well-formed", async (length) => {
    const label = "a".repeat(Math.min(length, 60));
    const domain = `${Array.from({ length: Math.ceil(length / 61) }, () => label).join(".")}.example`;
    const { certificate } = await makeRoot({ ...SPEC, domain });
    expect(flat(certificate)).toContain(`URI:.${domain}`);
  });
});

describe("what clients take", () => {
  let clients: TlsClients;
  beforeAll(async () => {
    clients = new TlsClients(root.certificate);
    await clients.build();
  });
  afterAll(() => clients.remove());

  describe.each(CLIENTS)("%s", (client) => {
    test.each(["wiki.intranet.example", "a.b.intranet.example"])("takes %s", async (name) => {
      expect(
        await clients.ask(client, name, await signLeaf(intermediate, [{ type: "dns", value: name }])),
      ).toMatchObject({
        accepted: true,
      });
    });

    test.each([
      ["a foreign name", "www.example.com", { type: "dns", value: "www.example.com" }],
      ["a name that only ends alike", "evilintranet.example", { type: "dns", value: "evilintranet.example" }],
      ["an IP address", "127.0.0.1", { type: "ip", value: "127.0.0.1" }],
    ] as const)("refuses %s that the intermediate has signed", async (_what, name, san) => {
      const { accepted, output } = await clients.ask(client, name, await signLeaf(intermediate, [san]));
      expect(accepted).toBe(false);
      expect(output).toMatch(/constraint|permitted|excluded/i);
    });

    test("refuses a good name beside a foreign one", async () => {
      const names = ["wiki.intranet.example", "www.example.com"].map((value) => ({ type: "dns", value }) as const);
      expect((await clients.ask(client, names[0]!.value, await signLeaf(intermediate, [...names]))).accepted).toBe(
        false,
      );
    });
  });
});

describe("the resources", () => {
  const [roots, intermediates] = [new RootProvider(), new IntermediateProvider()];
  const inputs = { ...SPEC, keyVersion: 1 };

  test("a root is changed by its version alone; what it says cannot change without", async () => {
    const { id, outs } = await roots.create(inputs);
    expect(Object.keys(outs)).toEqual(expect.arrayContaining(["certificate", "fingerprint", "notAfter", "privateKey"]));
    expect(await roots.diff(id, outs, inputs)).toEqual({ changes: false });
    expect(await roots.diff(id, outs, { ...inputs, keyVersion: 2 })).toEqual({ changes: true });
    const changed = { ...inputs, domain: "other.example", lifetimeDays: 10 };
    expect((await roots.check(inputs, changed)).failures).toEqual([
      { property: "domain", reason: expect.stringMatching(/"intranet\.example".*raise keyVersion/) },
      { property: "lifetimeDays", reason: expect.stringMatching(/3650.*raise keyVersion/) },
    ]);
    expect((await roots.check(inputs, { ...changed, keyVersion: 2 })).failures).toEqual([]);
    expect((await roots.check({}, inputs)).failures).toEqual([]);
  });

  test("an intermediate is changed by version, lifetime or root, and does not repeat the root's key", async () => {
    const signer = { rootCertificate: root.certificate, rootPrivateKey: root.privateKey };
    const wanted = { keyVersion: 1, lifetimeDays: 30, ...signer };
    const { id, outs } = await intermediates.create(wanted);
    expect(JSON.stringify(outs)).not.toContain(JSON.stringify(root.privateKey).slice(1, -1));
    expect(await intermediates.diff(id, outs, wanted)).toEqual({ changes: false });
    for (const change of [{ keyVersion: 2 }, { lifetimeDays: 31 }, { rootCertificate: "another" }])
      expect(await intermediates.diff(id, outs, { ...wanted, ...change })).toEqual({ changes: true });
  });

  test.each([
    ["organisation", { organisation: "" }],
    ["organisation", { organisation: "a\nb" }],
    ["organisation", { organisation: "x".repeat(41) }],
    ["lifetimeDays", { lifetimeDays: 0 }],
    ["lifetimeDays", { lifetimeDays: 1.5 }],
    ["keyVersion", { keyVersion: 0 }],
  ])("refuses a bad %s", async (property, bad) => {
    expect((await roots.check({}, { ...inputs, ...bad })).failures).toEqual([
      { property, reason: expect.stringContaining(property) },
    ]);
  });
});
