import Cloudflare from "cloudflare";
import { CLOUDFLARE_API_TOKEN, ZONE } from "../../../lab/constants";
import { call, startTestClouds, type Answer, type TestClouds } from "./fakes";

let lab: TestClouds;
let client: Cloudflare;
let zoneId: string;

const connect = (apiToken = CLOUDFLARE_API_TOKEN): Cloudflare =>
  new Cloudflare({ apiToken, baseURL: lab.clouds.cloudflareUrls[0] as string, maxRetries: 0 });
const raw = (method: string, path: string, body?: unknown, token = CLOUDFLARE_API_TOKEN): Promise<Answer> =>
  call(method, `${lab.clouds.cloudflareUrls[0] as string}${path}`, token, body);

/** HTTP status and first error code of a refused call. */
async function refusal(request: Promise<unknown>): Promise<[number, number]> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Cloudflare.APIError)) throw new Error(`not refused: ${String(error)}`);
  return [error.status as number, error.errors[0]?.code as number];
}

async function records(): Promise<{ id: string; name: string; type: string; content?: string }[]> {
  const all = [];
  for await (const record of client.dns.records.list({ zone_id: zoneId, per_page: 2 })) all.push(record);
  return all as { id: string; name: string; type: string; content?: string }[];
}

beforeEach(async () => {
  lab = await startTestClouds();
  client = connect();
  const zones = await client.zones.list({ name: ZONE });
  zoneId = zones.result[0]?.id as string;
});
afterEach(() => lab.clouds.close());

describe("the official client", () => {
  test("finds the zone by name and its seeded records page by page", async () => {
    expect((await client.zones.get({ zone_id: zoneId })).name).toBe(ZONE);
    expect((await client.zones.list({ name: "contains:intranet" })).result).toHaveLength(1);
    expect((await client.zones.list({ name: "other.example" })).result).toEqual([]);
    expect((await records()).map(({ name, type }) => `${name} ${type}`)).toEqual([
      `${ZONE} MX`,
      `${ZONE} TXT`,
      `www.${ZONE} A`,
    ]);
  });

  test("makes, overwrites, edits and deletes a record; each change is served when it is answered", async () => {
    const made = await client.dns.records.create({
      zone_id: zoneId,
      name: "*",
      type: "A",
      content: "198.51.100.10",
      ttl: 60,
    });
    expect(made).toMatchObject({ name: `*.${ZONE}`, ttl: 60, proxied: false, comment: null, tags: [] });
    expect(lab.names.zones.get(ZONE)).toContainEqual({ name: `*.${ZONE}`, type: "A", ttl: 60, data: "198.51.100.10" });
    const body = { zone_id: zoneId, name: `*.${ZONE}`, type: "A", content: "198.51.100.11", ttl: 1 } as const;
    expect(await client.dns.records.update(made.id, body)).toMatchObject({
      id: made.id,
      content: "198.51.100.11",
      ttl: 1,
    });
    expect(lab.names.zones.get(ZONE)).toContainEqual({ name: `*.${ZONE}`, type: "A", ttl: 300, data: "198.51.100.11" });
    const edited = await client.dns.records.edit(made.id, { ...body, content: "198.51.100.12", comment: "ours" });
    expect(edited).toMatchObject({ content: "198.51.100.12", comment: "ours" });
    expect(await client.dns.records.get(made.id, { zone_id: zoneId })).toEqual(edited);
    expect(await client.dns.records.delete(made.id, { zone_id: zoneId })).toEqual({ id: made.id });
    expect(lab.names.lookup(ZONE, `*.${ZONE}`)).toEqual([]);
    expect(await refusal(client.dns.records.get(made.id, { zone_id: zoneId }))).toEqual([404, 81044]);
    expect(lab.names.lookup(ZONE, `www.${ZONE}`)).toEqual(["A 192.0.2.40"]);
  });

  test("filters by name, content and type", async () => {
    const list = async (filter: object): Promise<number> =>
      (await client.dns.records.list({ zone_id: zoneId, ...filter })).result.length;
    expect(await list({ name: { exact: `www.${ZONE}` }, type: "A" })).toBe(1);
    expect(await list({ name: { exact: `www.${ZONE}` }, type: "AAAA" })).toBe(0);
    expect(await list({ name: { startswith: "www" } })).toBe(1);
    expect(await list({ content: { contains: "spf1" } })).toBe(1);
    expect(await list({ match: "any", name: { exact: `www.${ZONE}` }, type: "MX" })).toBe(2);
    expect(await list({ page: 9 })).toBe(0);
  });

  test("changes a setting and reads it back", async () => {
    const setting = { zone_id: zoneId, value: "on" } as const;
    expect(await client.zones.settings.edit("always_use_https", setting)).toMatchObject({ value: "on" });
    expect(await client.zones.settings.get("always_use_https", { zone_id: zoneId })).toMatchObject({ value: "on" });
    const bad = client.zones.settings.edit("ssl", { ...setting, value: "yes" });
    expect(await refusal(bad)).toEqual([400, 1007]);
  });

  test("verifies its token and lists the edge's ranges", async () => {
    expect((await client.user.tokens.verify()).status).toBe("active");
    expect(await client.ips.list()).toMatchObject({ ipv4_cidrs: ["192.0.2.64/26"] });
  });
});

describe("content", () => {
  test.each([
    ["AAAA", { content: "2001:DB8:0::5" }, { content: "2001:db8::5" }, "2001:db8::5"],
    ["CNAME", { content: "WWW.intranet.example." }, { content: "www.intranet.example" }, "www.intranet.example."],
    ["MX", { content: "mail.example", priority: 5 }, { content: "mail.example", priority: 5 }, "5 mail.example."],
    ["TXT", { content: 'say "hi"; \\ ü' }, { content: 'say "hi"; \\ ü' }, '"say \\"hi\\"; \\\\ \\195\\188"'],
    ["TXT", { content: '"one" "two"' }, { content: '"one" "two"' }, '"one" "two"'],
    ["TXT", { content: "x".repeat(256) }, {}, `"${"x".repeat(255)}" "x"`],
    ["CAA", { data: { flags: 0, tag: "issue", value: ";" } }, { content: '0 issue ";"' }, '0 issue ";"'],
    [
      "SRV",
      { data: { priority: 1, weight: 2, port: 443, target: "a.example" } },
      { priority: 1 },
      "1 2 443 a.example.",
    ],
    ["NS", { content: "ns.example" }, {}, "ns.example."],
    ["PTR", { content: "host.example" }, {}, "host.example."],
    [
      "SRV",
      { data: { service: "_imap", proto: "_tcp", name: "x", priority: 0, weight: 0, port: 0, target: "." } },
      { data: { priority: 0, weight: 0, port: 0, target: "." } },
      "0 0 0 .",
    ],
    [
      "HTTPS",
      { data: { priority: 1, target: ".", value: ' alpn="h2,h3"' } },
      { content: '1 . alpn="h2,h3"', data: { priority: 1, target: ".", value: 'alpn="h2,h3"' } },
      '1 . alpn="h2,h3"',
    ],
    ["SVCB", { data: { priority: 0, target: "svc.example.", value: "" } }, {}, "0 svc.example."],
    [
      "NAPTR",
      { data: { order: 30, preference: 100, flags: "S", service: "SIP+D2T", regex: "", replacement: "_sip._tls.x" } },
      { content: '30 100 "S" "SIP+D2T" "" _sip._tls.x.' },
      '30 100 "S" "SIP+D2T" "" _sip._tls.x.',
    ],
    [
      "URI",
      { priority: 10, data: { weight: 5, target: "https://a.example/" } },
      { content: '5 "https://a.example/"', priority: 10 },
      '10 5 "https://a.example/"',
    ],
    [
      "LOC",
      {
        data: {
          ...{ lat_degrees: 31, lat_minutes: 58, lat_seconds: 52.1, lat_direction: "S" },
          ...{ long_degrees: 115, long_minutes: 49, long_seconds: 11.7, long_direction: "E" },
          ...{ altitude: 20, size: 10, precision_horz: 10, precision_vert: 2 },
        },
      },
      { content: "IN LOC 31 58 52.1 S 115 49 11.7 E 20m 10m 10m 2m" },
      "31 58 52.1 S 115 49 11.7 E 20m 10m 10m 2m",
    ],
    ["SMIMEA", { data: { usage: 3, selector: 0, matching_type: 1, certificate: "ab" } }, {}, "3 0 1 ab"],
    ["CERT", { data: { type: 1, key_tag: 2, algorithm: 8, certificate: "AAAA" } }, {}, "1 2 8 AAAA"],
    ["OPENPGPKEY", { content: "mQINBA==" }, {}, "mQINBA=="],
    ["SSHFP", { data: { algorithm: 4, type: 2, fingerprint: "ab12" } }, { content: "4 2 ab12" }, "4 2 ab12"],
  ])("%s is normalised and published", async (type, content, stored, published) => {
    const { status, body } = await raw("POST", `/zones/${zoneId}/dns_records`, { name: "x", type, ttl: 1, ...content });
    expect(status).toBe(200);
    expect(body.result).toMatchObject({ name: `x.${ZONE}`, ...stored });
    expect(lab.names.lookup(ZONE, `x.${ZONE}`)).toEqual([`${type} ${published}`]);
  });

  test("a CNAME at the apex is served as the addresses that it leads to", async () => {
    await client.dns.records.create({ zone_id: zoneId, name: "@", type: "CNAME", content: `www.${ZONE}`, ttl: 1 });
    expect(lab.names.lookup(ZONE, ZONE)).toEqual([
      "A 192.0.2.40",
      "MX 10 mail.hosting.example.",
      'TXT "v=spf1 mx -all"',
    ]);
  });

  test.each([
    ["a bad address", { name: "x", type: "A", content: "300.1.1.1" }, 9005],
    ["an IPv4 address in AAAA", { name: "x", type: "AAAA", content: "192.0.2.1" }, 9006],
    ["a bad host name", { name: "x", type: "CNAME", content: "no host" }, 9007],
    ["MX without priority", { name: "x", type: "MX", content: "mail.example" }, 9102],
    ["CAA without data", { name: "x", type: "CAA", content: '0 issue ";"' }, 9101],
    ["an open quotation mark", { name: "x", type: "TXT", content: '"open' }, 9207],
    ["a ttl of 59", { name: "x", type: "A", content: "192.0.2.1", ttl: 59 }, 9021],
    ["an unknown type", { name: "x", type: "WKS", content: "x" }, 9004],
    ["a bad name", { name: "a..b", type: "A", content: "192.0.2.1" }, 9000],
    ["tags", { name: "x", type: "A", content: "192.0.2.1", tags: ["a:b"] }, 9300],
    ["an identical record", { name: "www", type: "A", content: "192.0.2.40" }, 81058],
    ["a CNAME beside an address", { name: "www", type: "CNAME", content: "a.example" }, 81053],
    ["its own name", { name: "x", type: "CNAME", content: `x.${ZONE}` }, 9039],
  ])("refuses %s", async (_what, body, code) => {
    const answer = await raw("POST", `/zones/${zoneId}/dns_records`, { ttl: 1, ...body });
    expect([answer.status, answer.body.success, answer.body.errors[0].code]).toEqual([400, false, code]);
    expect(await records()).toHaveLength(3);
  });

  test("refuses an address beside a CNAME, on creation and on change", async () => {
    const path = `/zones/${zoneId}/dns_records`;
    await raw("POST", path, { name: "alias", type: "CNAME", content: "a.example", ttl: 1 });
    const second = { name: "alias", type: "A", content: "192.0.2.1", ttl: 1 };
    expect((await raw("POST", path, second)).body.errors[0].code).toBe(81054);
    const other = await raw("POST", path, { ...second, name: "other" });
    expect((await raw("PATCH", `${path}/${other.body.result.id}`, { name: "alias" })).body.errors[0].code).toBe(81054);
  });

  test("refuses a proxied record and says why", async () => {
    const answer = await raw("POST", `/zones/${zoneId}/dns_records`, {
      name: "x",
      type: "A",
      content: "192.0.2.1",
      proxied: true,
    });
    expect(answer.body.errors[0]).toMatchObject({ code: 9003, message: expect.stringContaining("no edge yet") });
  });
});

describe("access and failures", () => {
  test("names the cause of a bad header, a bad token and a bad path", async () => {
    expect(await refusal(connect("x".repeat(40)).zones.get({ zone_id: zoneId }))).toEqual([403, 10000]);
    expect(await refusal(connect("x".repeat(40)).user.tokens.verify())).toEqual([401, 1000]);
    expect((await raw("GET", "/zones", undefined, "")).body.errors[0].code).toBe(6003);
    expect((await raw("GET", "/nothing")).body.errors[0].code).toBe(7003);
    expect((await raw("GET", "/zones/short")).body.errors[0].code).toBe(7003);
    expect((await raw("GET", `/zones/${"0".repeat(32)}`)).body.errors[0].code).toBe(1001);
    expect((await raw("POST", `/zones/${zoneId}/dns_records`, "{")).body.errors[0].code).toBe(9207);
    expect(lab.log.join("\n")).not.toContain(CLOUDFLARE_API_TOKEN);
  });

  test("undoes a change that the name server refuses", async () => {
    lab.names.failure = "zone not loaded";
    const answer = await raw("POST", `/zones/${zoneId}/dns_records`, { name: "x", type: "A", content: "192.0.2.1" });
    expect([answer.status, answer.body.errors[0].message]).toEqual([500, "The service failed: zone not loaded"]);
    lab.names.failure = undefined;
    expect(await records()).toHaveLength(3);
  });

  test("many changes at once are published together, and none is lost", async () => {
    const before = lab.names.publications;
    const names = Array.from({ length: 20 }, (_, index) => `host${index}`);
    await Promise.all(
      names.map((name) =>
        client.dns.records.create({ zone_id: zoneId, name, type: "A", content: "192.0.2.1", ttl: 1 }),
      ),
    );
    for (const name of names) expect(lab.names.lookup(ZONE, `${name}.${ZONE}`)).toEqual(["A 192.0.2.1"]);
    expect(lab.names.publications - before).toBeLessThan(20);
  });

  test("keeps records and settings over a restart, and publishes the zone again", async () => {
    await client.dns.records.create({ zone_id: zoneId, name: "kept", type: "A", content: "192.0.2.1", ttl: 1 });
    const before = await records();
    await lab.clouds.close();
    lab.names.zones.clear();
    lab = await startTestClouds(lab);
    client = connect();
    expect(await records()).toEqual(before);
    while (!lab.names.zones.has(ZONE)) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(lab.names.lookup(ZONE, `kept.${ZONE}`)).toEqual(["A 192.0.2.1"]);
  });
});
