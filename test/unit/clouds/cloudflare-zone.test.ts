import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Cloudflare from "cloudflare";
import { zoneFile } from "../../../lab/names/zone-file";
import { CLOUDFLARE_API_TOKEN, ZONE } from "../../../lab/constants";
import { call, startTestClouds, type Answer, type TestClouds } from "./fakes";

let lab: TestClouds;
let client: Cloudflare;
let zone_id: string;

const raw = (method: string, path: string, body?: unknown): Promise<Answer> =>
  call(method, `${lab.clouds.cloudflareUrls[0] as string}${path}`, CLOUDFLARE_API_TOKEN, body);
const dns = (method: string, path: string, body?: unknown): Promise<Answer> =>
  raw(method, `/zones/${zone_id}/dns_records${path}`, body);
const names = async (query: string): Promise<string[]> => {
  const { status, body } = await dns("GET", `?${query}`);
  expect([query, status]).toEqual([query, 200]);
  return body.result.map(({ name, type }: { name: string; type: string }) => `${name.split(".")[0]} ${type}`);
};
const add = async (body: object): Promise<string> => {
  const answer = await dns("POST", "", { ttl: 1, ...body });
  expect(answer.body.errors).toEqual([]);
  return answer.body.result.id;
};

beforeEach(async () => {
  lab = await startTestClouds();
  client = new Cloudflare({
    apiToken: CLOUDFLARE_API_TOKEN,
    baseURL: lab.clouds.cloudflareUrls[0] as string,
    maxRetries: 0,
  });
  zone_id = (await client.zones.list({ name: ZONE })).result[0]?.id as string;
});
afterEach(() => lab.clouds.close());

describe("filters of records", () => {
  const all = ["intranet MX", "intranet TXT", "www A"];
  test.each([
    ["comment.present=", ["www A"]],
    ["comment.absent=true", ["intranet MX", "intranet TXT"]],
    ["comment=THE%20old%20web%20site", ["www A"]],
    ["comment.contains=old", ["www A"]],
    ["tag=team", []],
    ["tag.present=team", []],
    ["tag.exact=team:dns", []],
    ["tag.absent=team", all],
    ["tag.absent=team&tag.present=team", []],
    ["tag.absent=team&tag.present=team&tag_match=any", all],
    ["match=any&tag.present=team&type=A", ["www A"]],
    ["proxied=true", []],
    ["proxied=false&order=type&direction=desc", ["intranet TXT", "intranet MX", "www A"]],
    ["search=old", ["www A"]],
  ])("%s", async (query, expected) => expect(await names(query)).toEqual(expected));

  test.each([
    ["another parameter", "names=www"],
    ["a test that there is not", "name.like=www"],
    ["shadowed records, which the lab does not know", "shadowing_name=www"],
    ["match=some", "match=some"],
    ["proxied=yes", "proxied=yes"],
    ["order=id", "order=id"],
  ])("%s is refused, not ignored", async (_what, query) => {
    const { status, body } = await dns("GET", `?${query}`);
    expect([status, body.success]).toEqual([400, false]);
    expect(body.errors[0].message).toContain(query.split("=")[0]);
  });
});

describe("zones", () => {
  test.each([
    ["name=intranet.example", 1],
    ["name=not_equal:intranet.example", 0],
    ["name=starts_with:INTRA", 1],
    ["name=starts_with_case_sensitive:INTRA", 0],
    ["status=pending", 0],
    ["type=partial,full", 1],
    ["type=internal", 0],
    ["account.name=lab", 1],
    ["account.id=0&match=all", 0],
    ["account.id=0&name=intranet.example&match=any", 1],
  ])("%s", async (query, count) => {
    expect((await raw("GET", `/zones?${query}`)).body.result).toHaveLength(count);
  });

  test("other filters are refused, and a zone cannot be made", async () => {
    expect((await raw("GET", "/zones?plan=free")).status).toBe(400);
    expect((await raw("GET", "/zones?name=like:x")).status).toBe(400);
    expect((await raw("POST", "/zones", { name: "other.example" })).status).toBe(403);
  });

  test.each(["pagerules", "rulesets", "workers/routes", "firewall/rules", "custom_hostnames"])(
    "has no %s: an empty list, and making one is refused with the reason",
    async (kind) => {
      const { status, body } = await raw("GET", `/zones/${zone_id}/${kind}?status=active`);
      expect([status, body.result, body.result_info.count]).toEqual([200, [], 0]);
      const refused = await raw("POST", `/zones/${zone_id}/${kind}`, {});
      expect([refused.status, refused.body.errors[0].message]).toEqual([400, expect.stringContaining("no edge")]);
      expect((await raw("GET", `/zones/${"0".repeat(32)}/${kind}`)).status).toBe(404);
    },
  );
});

describe("delegations", () => {
  const ds = { name: "sub", type: "DS", data: { key_tag: 1, algorithm: 13, digest_type: 2, digest: "AB".repeat(32) } };
  const ns = { name: "sub", type: "NS", content: "ns1.other.example" };

  test("a DS record stands beside NS records only", async () => {
    const alone = await dns("POST", "", { ttl: 1, ...ds });
    expect([alone.status, alone.body.errors[0].message]).toEqual([400, expect.stringContaining("needs NS")]);
    const first = await add(ns);
    const second = await add({ ...ns, content: "ns2.other.example" });
    const digest = await add(ds);
    expect((await dns("DELETE", `/${first}`)).status).toBe(200);
    expect((await dns("DELETE", `/${second}`)).status).toBe(400);
    expect((await dns("PATCH", `/${second}`, { name: "moved" })).status).toBe(400);
    expect((await dns("DELETE", `/${digest}`)).status).toBe(200);
    expect((await dns("DELETE", `/${second}`)).status).toBe(200);
  });

  test("both come and go together in one batch", async () => {
    const made = (await dns("POST", "/batch", { posts: [ds, ns] })).body.result.posts as { id: string }[];
    expect(lab.names.lookup(ZONE, `sub.${ZONE}`)).toHaveLength(2);
    expect((await dns("POST", "/batch", { deletes: made.map(({ id }) => ({ id })) })).status).toBe(200);
    expect(lab.names.lookup(ZONE, `sub.${ZONE}`)).toEqual([]);
  });
});

describe("batch", () => {
  test("deletes, patches, puts and posts in this order, published once", async () => {
    const [a, b, c] = await Promise.all(
      ["a", "b", "c"].map((name) => add({ name, type: "A", content: "192.0.2.1", comment: "kept" })),
    );
    const before = lab.names.publications;
    const result = await client.dns.records.batch({
      zone_id,
      deletes: [{ id: a as string }],
      patches: [{ id: b as string, type: "A", name: "a", content: "192.0.2.2", ttl: 60 }],
      puts: [{ id: c as string, type: "A", name: "b", content: "192.0.2.3", ttl: 60 }],
      posts: [{ type: "CNAME", name: "c", content: "a.example", ttl: 1 }],
    });
    expect(lab.names.publications - before).toBe(1);
    expect(result).toMatchObject({
      deletes: [{ id: a, name: `a.${ZONE}` }],
      patches: [{ id: b, name: `a.${ZONE}`, comment: "kept" }],
      puts: [{ id: c, name: `b.${ZONE}`, comment: null }],
      posts: [{ name: `c.${ZONE}`, type: "CNAME" }],
    });
    expect(lab.names.lookup(ZONE, `a.${ZONE}`)).toEqual(["A 192.0.2.2"]);
    expect(lab.names.lookup(ZONE, `b.${ZONE}`)).toEqual(["A 192.0.2.3"]);
  });

  test("changes all or nothing", async () => {
    const www = (await names("name=www.intranet.example")).length;
    const id = (await dns("GET", "?name=www.intranet.example")).body.result[0].id;
    const before = (await dns("GET", "")).body.result;
    const bad = { name: "x", type: "A", content: "no address" };
    const refused = await dns("POST", "/batch", { deletes: [{ id }], posts: [{ ...bad, content: "192.0.2.1" }, bad] });
    expect([www, refused.status, refused.body.errors[0].code]).toEqual([1, 400, 9005]);
    expect((await dns("GET", "")).body.result).toEqual(before);
    lab.names.failure = "zone not loaded";
    const failed = await dns("POST", "/batch", { deletes: [{ id }], posts: [{ ...bad, content: "192.0.2.1" }] });
    lab.names.failure = undefined;
    expect(failed.status).toBe(500);
    const after = (await dns("GET", "?order=name")).body.result;
    expect(after).toHaveLength(before.length);
    expect(after).toEqual(expect.arrayContaining(before));
  });

  test.each([
    ["201 changes", { posts: Array.from({ length: 201 }, () => ({})) }],
    ["no list", { posts: {} }],
    ["no object", { posts: [null] }],
  ])("%s are refused", async (_what, body) => expect((await dns("POST", "/batch", body)).status).toBe(400));

  test("an unknown id is 404", async () => {
    const { status, body } = await dns("POST", "/batch", { deletes: [{ id: "0".repeat(32) }] });
    expect([status, body.errors[0].code]).toEqual([404, 81044]);
  });
});

describe("zone files", () => {
  const importFile = async (text: string, fields: Record<string, string> = {}): Promise<Answer> => {
    const form = new FormData();
    form.set("file", new File([text], "zone.txt"));
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const url = `${lab.clouds.cloudflareUrls[0] as string}/zones/${zone_id}/dns_records/import`;
    const headers = { authorization: `Bearer ${CLOUDFLARE_API_TOKEN}` };
    const response = await fetch(url, { method: "POST", headers, body: form });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const loc = {
    ...{ lat_degrees: 31, lat_minutes: 58, lat_seconds: 52.1, lat_direction: "S", altitude: -20.5 },
    ...{ long_degrees: 115, long_minutes: 49, long_seconds: 11.7, long_direction: "E" },
  };
  const digest = { usage: 3, selector: 1, matching_type: 1, certificate: "ab".repeat(32) };
  const many = [
    { name: "x", type: "A", content: "192.0.2.1", ttl: 60, comment: 'a "comment"; with (all) \\ of it' },
    { name: "x", type: "AAAA", content: "2001:db8::1" },
    { name: "*", type: "CNAME", content: "elsewhere.example" },
    { name: "txt", type: "TXT", content: 'one "two"; (three) \\ ü' },
    { name: "txt", type: "TXT", content: '"four" "five"' },
    { name: "caa", type: "CAA", data: { flags: 128, tag: "issue", value: 'ca.example; policy="x"' } },
    { name: "mx", type: "MX", content: "mail.example", priority: 5 },
    { name: "_s._tcp", type: "SRV", data: { priority: 1, weight: 2, port: 3, target: "srv.example" } },
    { name: "uri", type: "URI", priority: 4, data: { weight: 5, target: "https://a.example/?a=b;c" } },
    { name: "svc", type: "HTTPS", data: { priority: 1, target: ".", value: 'alpn="h2,h3" port=8443' } },
    { name: "svc", type: "SVCB", data: { priority: 0, target: "svc.example.", value: "" } },
    { name: "loc", type: "LOC", data: loc },
    { name: "tlsa", type: "TLSA", data: digest },
    { name: "tlsa", type: "SMIMEA", data: digest },
    { name: "ssh", type: "SSHFP", data: { algorithm: 4, type: 2, fingerprint: "cd".repeat(32) } },
    { name: "cert", type: "CERT", data: { type: 1, key_tag: 2, algorithm: 8, certificate: "AAAAAAAA" } },
    { name: "pgp", type: "OPENPGPKEY", content: "mQINBA==" },
    { name: "ptr", type: "PTR", content: "host.example" },
    { name: "sub", type: "NS", content: "ns.other.example" },
    { name: "sub", type: "DS", data: { key_tag: 9, algorithm: 13, digest_type: 2, digest: "EF".repeat(32) } },
    {
      name: "naptr",
      type: "NAPTR",
      data: { order: 1, preference: 2, flags: "U", service: "E2U+sip", regex: "!^.*$!sip:a@b!", replacement: "." },
    },
  ];

  test("what is exported is imported again, all types and characters, and a name server reads every record", async () => {
    for (const body of many) await add(body);
    const before = (await dns("GET", "?per_page=1000")).body.result as Record<string, unknown>[];
    const published = lab.names.zones.get(ZONE);
    const text = await client.dns.records.export({ zone_id });
    expect(text).toContain(`www.${ZONE}.\t300\tIN\tA\t192.0.2.40 ; the old web site`);
    await dns("POST", "/batch", { deletes: before.map(({ id }) => ({ id })) });
    expect(lab.names.zones.get(ZONE)).toEqual([]);
    const { status, body } = await importFile(text);
    expect([status, body.result]).toEqual([200, { recs_added: before.length, total_records_parsed: before.length }]);
    // A TXT record's content comes back in quotation marks, which say the same.
    const essence = (record: Record<string, unknown>): unknown[] =>
      ["name", "type", record["type"] === "TXT" ? "ttl" : "content", "data", "priority", "ttl"].map(
        (key) => record[key],
      );
    const after = (await dns("GET", "?per_page=1000")).body.result as Record<string, unknown>[];
    const byText = (records: Record<string, unknown>[]): string[] =>
      records.map((record) => JSON.stringify(essence(record))).sort();
    expect(byText(after)).toEqual(byText(before));
    const sorted = (zone: object[] = []): string[] => zone.map((record) => JSON.stringify(record)).sort();
    expect(sorted(lab.names.zones.get(ZONE))).toEqual(sorted(published));
    expect((await importFile(text)).body.result.recs_added).toBe(0);
    const dnskey = "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";
    const records = lab.names.zones.get(ZONE) ?? [];
    const path = join(mkdtempSync(join(tmpdir(), "zone-")), "zone");
    writeFileSync(path, zoneFile({ zone: ZONE, nameServers: ["ns1.other.example"], dnskey, records }, 1));
    const args = ["-i", "local", ZONE, path];
    expect(execFileSync("/usr/bin/named-checkzone", args, { encoding: "utf8" })).toContain("OK");
  });

  test("BIND's forms are read: origins, times, parentheses, left-out owners", async () => {
    const text = `$TTL 1h ; a default
@ IN SOA ns1.x. root.x. ( 1 2 3
   4 5 ) ; two lines
  IN NS ns1.x.
$ORIGIN deep.${ZONE}.
a 300 IN A 192.0.2.1
  IN 2m AAAA 2001:db8::1
b IN 1d CNAME a
@ MX 10 mail
t TXT ( "one"
  two )
`;
    expect((await importFile(text)).body.result).toEqual({ recs_added: 5, total_records_parsed: 5 });
    const zone = lab.names.zones.get(ZONE)?.filter(({ name }) => name.includes("deep"));
    expect(zone?.map(({ name, type, ttl, data }) => `${name.replace(`.${ZONE}`, "")} ${ttl} ${type} ${data}`)).toEqual([
      "a.deep 300 A 192.0.2.1",
      "a.deep 120 AAAA 2001:db8::1",
      `b.deep 86400 CNAME a.deep.${ZONE}.`,
      `deep 3600 MX 10 mail.deep.${ZONE}.`,
      't.deep 3600 TXT "one" "two"',
    ]);
  });

  test.each([
    ["an open quotation mark", 'x TXT "open\n'],
    ["no data", "x 300 IN A\n"],
    ["another class", "x CH TXT hello\n"],
    ["a directive", "$INCLUDE /etc/passwd\n"],
    ["one bad record among good ones", "x A 192.0.2.1\ny A 192.0.2\n"],
  ])("%s is refused, and nothing is added", async (_what, text) => {
    const before = (await dns("GET", "")).body.result;
    const { status, body } = await importFile(text);
    expect([status, body.success]).toEqual([400, false]);
    expect((await dns("GET", "")).body.result).toEqual(before);
  });

  test("a form without a file, and proxied records, are refused", async () => {
    expect((await dns("POST", "/import", { file: "x" })).status).toBe(400);
    const { body } = await importFile("x A 192.0.2.1\n", { proxied: "true" });
    expect(body.errors[0].message).toContain("no edge yet");
  });
});
