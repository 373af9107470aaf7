/** An authority, its trust anchors and a proxy with its certificates: what they make, refuse and say. */
import * as pulumi from "@pulumi/pulumi";
import * as components from "../../components";
import { SMALLSTEP, ValidationError } from "../../model";
import { HOST_KEY } from "../unit/model/fixtures";
import { certificateOf, named, ofType, registered, settled, startMocks, TYPES, valueOf, world } from "./mocks";

const connection = { address: "10.20.0.10", hostKeys: [HOST_KEY] };
const identity = { v4: "10.31.240.1", v6: "fd00:1:2:ffff::1" };
const domain = "intranet.example";
const listen = [identity.v4];

afterEach(() => jest.restoreAllMocks());

test("an authority makes root, intermediate, server and page; the root's key feeds the intermediate alone", async () => {
  await startMocks();
  const ca = new components.CertificateAuthority("ca", { connection: { ...connection }, domain, identity });
  await settled();
  expect(registered.map(({ name }) => name).sort()).toEqual([
    "ca",
    "ca-intermediate",
    "ca-page",
    "ca-root",
    "ca-server",
  ]);
  expect(named("ca-root").inputs).toMatchObject({ domain, organisation: domain, lifetimeDays: 3650, keyVersion: 1 });
  expect(named("ca-intermediate").inputs).toMatchObject({ lifetimeDays: 1095, keyVersion: 1 });
  expect(ofType(TYPES.role).filter(({ inputs }) => JSON.stringify(inputs).includes("PRIVATE-ca-root"))).toEqual([]);
  expect(ca.directory).toBe(`https://ca.${domain}:9000/acme/acme/directory`);
  expect(ca.page).toEqual({ hostname: `ca.${domain}`, folder: "/srv/intranet-ca" });
  expect(await valueOf(ca.mobileConfig)).toMatchObject({
    value: expect.stringContaining(`<data>${Buffer.from("ca-root").toString("base64")}</data>`),
    secret: false,
  });
  expect((await valueOf(ca.rootCertificate)).secret).toBe(false);
});

test.each([
  ["by default, Smallstep's", undefined, SMALLSTEP],
  [
    "Smallstep's with another key",
    { fingerprint: "aa ".repeat(20).trim() },
    { ...SMALLSTEP, fingerprint: "AA".repeat(20) },
  ],
  [
    "another one",
    { repository: "http://mirror.example/d", key: "http://mirror.example/k", fingerprint: "B".repeat(40) },
    {
      ...SMALLSTEP,
      repository: "http://mirror.example/d",
      key: "http://mirror.example/k",
      fingerprint: "B".repeat(40),
    },
  ],
] as const)("step-ca comes from a repository, pinned to it: %s", async (_case, source, expected) => {
  await startMocks();
  const args = { connection: { ...connection }, domain, identity, ...(source === undefined ? {} : { source }) };
  new components.CertificateAuthority("ca", args);
  await settled();
  const { repository: uri, key, fingerprint, suite, component } = expected;
  expect(named("ca-server").inputs["packageSources"]).toEqual({
    "step-ca": expect.objectContaining({
      uri,
      key,
      fingerprint,
      suite,
      components: [component],
      packages: ["step-ca", "step-cli"],
    }) as unknown,
  });
});

test("step-ca comes from a file, or from nowhere that we bring", async () => {
  const file = { deb: "https://vendor.example/step-ca.deb", sha256: "0".repeat(64) };
  const args = () => ({ connection: { ...connection }, domain, identity });
  for (const [source, expected] of [
    [file, { "step-ca": file }],
    ["present", undefined],
  ] as const) {
    await startMocks();
    new components.CertificateAuthority("ca", { ...args(), source });
    await settled();
    expect(named("ca-server").inputs["packageSources"]).toEqual(expected);
  }
  expect(() => new components.CertificateAuthority("bad", { ...args(), source: "debian" as never })).toThrow(
    /source: must be smallstep or present/,
  );
});

test("another root is another directory, so proxies do not keep what the old one vouched for", async () => {
  await startMocks();
  const args = { connection: { ...connection }, domain, identity, rootVersion: 2 };
  const ca = new components.CertificateAuthority("ca", args);
  await settled();
  expect(ca.directory).toBe(`https://ca.${domain}:9000/acme/acme-2/directory`);
  expect(JSON.stringify(named("ca-server").inputs)).toContain('\\"name\\": \\"acme-2\\"');
});

test.each([
  [
    "info",
    "2126-01-01T00:00:00Z",
    /^certificates of intranet\.example: the root is valid until 2126-01-01, \d+ more days; the intermediate is valid until/,
  ],
  [
    "warn",
    "2020-02-01T00:00:00Z",
    /: the root has been invalid since 2020-02-01: raise rootVersion .*; the intermediate has been invalid/,
  ],
] as const)("it tells by %s until when it is valid, in a preview too", async (level, notAfter, text) => {
  await startMocks(true);
  world.validity = { notBefore: "2020-01-01T00:00:00Z", notAfter };
  const said = jest.spyOn(pulumi.log, level).mockResolvedValue(undefined);
  new components.CertificateAuthority("ca", { connection: { ...connection }, domain, identity });
  await settled();
  expect(said.mock.calls.map(([line]) => line)).toEqual([expect.stringMatching(text)]);
});

type Make = () => unknown;
test.each<[string, Make, string[]]>([
  [
    "an authority of nothing",
    () =>
      new components.CertificateAuthority("ca", {
        ...{
          connection,
          domain: "Intranet",
          identity: { v4: "fd00::1", v6: "10.0.0.1" },
          port: 9001,
          leafLifetime: "7d",
        },
        ...{ rootVersion: 0, intermediateVersion: 1.5, rootLifetimeDays: 0, intermediateLifetimeDays: 1e6 },
      }),
    [
      ...["domain", "identity.v4", "identity.v6", "crlPort", "leafLifetime", "rootVersion", "intermediateVersion"],
      ...["rootLifetimeDays", "intermediateLifetimeDays"],
    ],
  ],
  [
    "an authority outside its domain",
    () =>
      new components.CertificateAuthority("ca", {
        ...{ connection, domain, identity, hostname: "ca.example", subdomains: [domain, `home.${domain}`] },
      }),
    ["hostname", "subdomains[0]"],
  ],
  [
    "a proxy with a page and an authority that are none",
    () =>
      new components.ReverseProxy("p", {
        ...{ connection, listen, sites: [{ hostname: [`ca.${domain}`], upstream: "127.0.0.1:80" }] },
        pages: [{ hostname: `ca.${domain}`, folder: "/srv/x {" }],
        certificates: { directory: "http://10.0.0.1/", rootCertificate: "", renewInterval: "1 m" },
      }),
    [
      "pages[0].hostname",
      "pages[0].folder",
      "certificates.rootCertificate",
      "certificates.directory",
      "certificates.renewInterval",
    ],
  ],
])("refuses %s, before anything is made", async (_what, make, paths) => {
  await startMocks();
  let error: unknown;
  try {
    make();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ValidationError);
  expect((error as ValidationError).issues.map(({ path }) => path)).toEqual(paths);
  await settled();
  expect(registered).toEqual([]);
});

test("a proxy asks for each name with the root alone, and a trust anchor leaves with its host", async () => {
  await startMocks();
  const certificates = {
    directory: `https://ca.${domain}:9000/acme/acme/directory`,
    rootCertificate: certificateOf("root"),
  };
  const sites = ["a", "b"].map((name) => ({ hostname: [`${name}.${domain}`], upstream: "127.0.0.1:80" }));
  const host = { connection: { ...connection } };
  new components.ReverseProxy("p", { ...host, listen, sites, certificates });
  new components.TrustAnchor("t", { ...host, rootCertificate: certificateOf("root") });
  await settled();
  const { probes, files } = named("p-caddy").inputs as { probes: object[]; files: object };
  const asked = (name: string) => ({
    tls: { address: identity.v4, name: `${name}.${domain}`, roots: "/etc/caddy/intranet-root.crt" },
    timeoutSeconds: 120,
  });
  const application = (name: string) => ({
    tcp: { address: "127.0.0.1", port: 80 },
    description: expect.stringContaining(`${name}.${domain} listens at 127.0.0.1:80`),
    timeoutSeconds: 3,
    required: false,
  });
  expect(probes).toEqual([
    { http: { address: identity.v4, host: "nobody.invalid", status: 404 } },
    asked("a"),
    application("a"),
    asked("b"),
    application("b"),
  ]);
  expect(files).toMatchObject({ "/etc/caddy/intranet-root.crt": { values: { certificate: certificateOf("root") } } });
  expect(named("t-trust").inputs).toMatchObject({ role: "trust-anchor" });
});
