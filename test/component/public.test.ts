/** Services that the Internet reaches, in a whole intranet. */
import { Intranet } from "../../components";
import { ValidationError, type ServiceSpec } from "../../model";
import { HOST_KEY, site, spec } from "../unit/model/fixtures";
import { ofType, registered, settled, startMocks } from "./mocks";

jest.setTimeout(60_000); // on a busy machine

const BLOG: ServiceSpec = { at: "home", port: 8081, audience: "internet" };

/** Makes an intranet of two sites with these services, and returns each resource's inputs by its name. */
async function make(services: Record<string, ServiceSpec>): Promise<Map<string, string>> {
  await startMocks();
  const description = spec({ sites: { home: site(0), cabin: site(1) }, services });
  new Intranet("home", { ...description, sshPublicKeys: [HOST_KEY] });
  await settled();
  return new Map(registered.map(({ name, inputs }) => [name, JSON.stringify(inputs)]));
}

/** The resources that are new or changed. */
function changed(before: Map<string, string>, after: Map<string, string>): string[] {
  return [...after].flatMap(([name, inputs]) => (before.get(name) === inputs ? [] : [name])).sort();
}

test("without a public service nothing is routed, announced or published for the Internet", async () => {
  const closed = await make({ nextcloud: { at: "home", port: 8080 } });
  const names = [...closed.keys()].join("\n");
  for (const part of ["policy-route", "prefix", "reverse"]) expect(names).not.toContain(`home-${part}`);
  expect(closed.get("home-ospf-vps-bird")).not.toContain("64:ff9b:1::");
  expect(closed.get("home-sinkhole-host-firewall")).not.toContain("64:ff9b:1::");
});

test("a public service has its names, its address and a way back, on every host that packets take", async () => {
  const open = await make({ blog: BLOG });
  const names = [...open.keys()];
  expect(names.filter((name) => /^home-(policy-route|prefix|reverse)/.test(name)).sort()).toEqual(
    expect.arrayContaining([
      "home-policy-route-cabin",
      "home-policy-route-home",
      "home-prefix-home",
      "home-reverse",
      "home-reverse-blog",
    ]),
  );
  expect(names).not.toContain("home-prefix-cabin");
  const records = ofType("cloudflare:index/dnsRecord:DnsRecord").map(({ inputs }) => inputs);
  const blog = records.filter(({ name }) => name === "blog.intranet.example");
  const { content: address } = blog.find(({ type }) => type === "AAAA")! as { content: string };
  expect(address).toMatch(/^2001:db8:100:1:[0-9a-f]+::[0-9a-f]+$/);
  expect(blog.find(({ type }) => type === "A")).toMatchObject({ content: "198.51.100.10" });
  expect(blog.find(({ type }) => type === "CAA")).toMatchObject({ data: { value: "letsencrypt.org" } });
  expect(open.get("home-reverse-blog")).toContain(address);
  const everywhere = JSON.stringify(records);
  expect(everywhere).not.toContain("nextcloud");
});

test("one more touches no host but the one that serves it, the sinkhole and the name servers", async () => {
  const before = await make({ blog: BLOG });
  const after = await make({ blog: BLOG, forum: { ...BLOG, at: "home", port: 8082 } });
  const touched = changed(before, after);
  expect(touched.filter((name) => name.includes("cabin"))).toEqual([]);
  const roles = new Set(ofType("pulumi-nodejs:dynamic/intranet/host:HostRole").map(({ name }) => name));
  expect(touched.filter((name) => roles.has(name))).toEqual([
    "home-names-home",
    "home-ospf-home-bird",
    "home-prefix-home-addresses",
    "home-proxy-home-caddy",
    "home-sinkhole-host-firewall",
    "home-sinkhole-page",
    "home-sinkhole-way-back",
  ]);
});

test("another program can let guests in, and is refused before anything is made if nobody could run it", async () => {
  const make = async (path: string): Promise<unknown> => {
    await startMocks();
    const guests = { kind: "snid" as const, binary: { path } };
    try {
      new Intranet("home", { ...spec({ services: { blog: BLOG } }), sshPublicKeys: [HOST_KEY], guests });
    } catch (error) {
      return error;
    } finally {
      await settled();
    }
    return undefined;
  };
  const refused = await make("snid");
  expect(refused).toBeInstanceOf(ValidationError);
  expect((refused as ValidationError).issues.map(({ path }) => path)).toEqual(["guests.binary.path"]);
  expect(registered).toEqual([]);
  expect(await make("/usr/local/bin/snid")).toBeUndefined();
  const page = registered.find(({ name }) => name === "home-sinkhole-page")!;
  expect(JSON.stringify(page.inputs)).toContain("ExecStart=/usr/local/bin/snid -listen tcp:0.0.0.0:443");
});

test("public names are a wildcard and the apex over both families, and a CAA that lets nobody issue", async () => {
  await make({ nextcloud: { at: "home", port: 8080 } });
  const records = ofType("cloudflare:index/dnsRecord:DnsRecord").map((record) => record.inputs);
  expect(
    records
      .map(
        (record) =>
          `${String(record["name"])} ${String(record["type"])} ${String(record["content"] ?? JSON.stringify(record["data"]))}`,
      )
      .sort(),
  ).toEqual([
    "*.intranet.example A 198.51.100.10",
    "*.intranet.example AAAA 2001:db8:100:1::1",
    "intranet.example A 198.51.100.10",
    "intranet.example AAAA 2001:db8:100:1::1",
    'intranet.example CAA {"flags":0,"tag":"issue","value":";"}',
  ]);
  for (const record of records) expect(record).toMatchObject({ zoneId: "zone-1", ttl: 300 });
  expect(JSON.stringify(records)).not.toContain("nextcloud");
});
