import type { Provider } from "@pulumi/pulumi/provider";
import { forgetClient } from "../../../toolchain/plugins/cloudflare/client";
import { cloudflareProvider } from "../../../toolchain/plugins/cloudflare/provider";
import { hasSecret, type Properties, secret } from "../../../toolchain/plugins/common/values";
import { type FakeCloudflare, fakeCloudflare, goodToken, zoneId } from "./fake-cloudflare";

const recordUrn = "urn:pulumi:s::p::intranet:dns:PublicDns$cloudflare:index/dnsRecord:DnsRecord::r";
const settingUrn = "urn:pulumi:s::p::cloudflare:index/zoneSetting:ZoneSetting::z";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("the stand-in for the cloudflare plugin", () => {
  let api: FakeCloudflare;
  let provider: Required<Provider>;

  beforeEach(async () => {
    api = await fakeCloudflare();
    process.env.CLOUDFLARE_BASE_URL = api.url;
    process.env.CLOUDFLARE_API_TOKEN = goodToken;
    forgetClient();
    provider = cloudflareProvider("6.22.1") as Required<Provider>;
  });
  afterEach(() => api.close());

  const reasons = async (inputs: Properties, urn = recordUrn) => {
    const { failures } = await provider.check(urn, {}, inputs);
    return (failures ?? []).map(({ property, reason }) => `${property}: ${reason}`);
  };
  const create = async (inputs: Properties, urn = recordUrn) => {
    const { id, outs } = await provider.create(urn, inputs);
    return { id, outs: outs as Properties };
  };

  // Each pair is spelled differently and means the same; the second preview must be empty.
  test.each([
    ["upper case and a trailing dot", { name: "WWW.Intranet.Example.", type: "A", content: "192.0.2.1", ttl: 1 }],
    ["a relative name", { name: "www", type: "A", content: "192.0.2.1", ttl: 1 }],
    ["the apex", { name: "@", type: "A", content: "192.0.2.1", ttl: 1 }],
    ["a long IPv6 address", { name: "www", type: "AAAA", content: "2001:DB8:0:0::1", ttl: 300 }],
    ["a proxied record", { name: "www", type: "A", content: "192.0.2.1", ttl: 1, proxied: true }],
    [
      "an empty comment and empty tags",
      { name: "www", type: "A", content: "192.0.2.1", ttl: 1, comment: "", tags: [] },
    ],
    ["data with a number as text", { name: "@", type: "CAA", ttl: 1, data: { flags: "0", tag: "issue", value: "ca" } }],
  ])("%s shows no difference after create, read and update", async (_, args) => {
    const inputs = { ...args, zoneId };
    const { id, outs } = await create(inputs);
    expect(await provider.diff(id, recordUrn, outs, inputs)).toEqual({ changes: false, replaces: [] });
    const read = await provider.read(id, recordUrn, outs);
    expect(read.props).toEqual(outs);
    const updated = await provider.update(id, recordUrn, outs, inputs);
    expect(await provider.diff(id, recordUrn, updated.outs, inputs)).toEqual({ changes: false, replaces: [] });
    expect(JSON.stringify(outs)).not.toContain("null");
  });

  test("every real change is one; zone and type replace", async () => {
    const inputs = {
      name: "www",
      type: "A",
      content: "192.0.2.1",
      ttl: 1,
      zoneId,
      comment: "c",
      proxied: true,
      tags: ["a"],
    };
    const { id, outs } = await create(inputs);
    const diff = (news: Properties) => provider.diff(id, recordUrn, outs, { ...inputs, ...news });
    for (const news of [
      { content: "192.0.2.2" },
      { name: "web" },
      { proxied: undefined },
      { comment: undefined },
      { tags: ["b"] },
      { content: unknown },
    ]) {
      expect(await diff(news)).toEqual({ changes: true, replaces: [] });
    }
    expect(await diff({ type: "AAAA", content: "::1" })).toEqual({ changes: true, replaces: ["type"] });
    expect(await diff({ zoneId: "f".repeat(32) })).toEqual({ changes: true, replaces: ["zoneId"] });
  });

  test("drift shows in read; what is gone reads as gone and deletes without an error", async () => {
    const inputs = { name: "www", type: "A", content: "192.0.2.1", ttl: 1, zoneId };
    const { id, outs } = await create(inputs);
    Object.assign(api.records.get(id) ?? {}, { content: "192.0.2.66" });
    const drifted = await provider.read(id, recordUrn, outs);
    expect(drifted.props.content).toBe("192.0.2.66");
    expect(await provider.diff(id, recordUrn, drifted.props, inputs)).toMatchObject({ changes: true });
    api.records.clear();
    expect(await provider.read(id, recordUrn, outs)).toEqual({ id: "", props: {} });
    await expect(provider.delete(id, recordUrn, outs)).resolves.toBeUndefined();
  });

  test("import takes zone and record, and gives the inputs", async () => {
    const { id } = await create({
      name: "mail.intranet.example",
      type: "MX",
      content: "mx.example",
      priority: 10,
      ttl: 300,
      zoneId,
    });
    const read = await provider.read(`${zoneId}/${id}`, recordUrn, {});
    expect(read.id).toBe(id);
    expect(read.inputs).toMatchObject({
      name: "mail.intranet.example",
      type: "MX",
      content: "mx.example",
      priority: 10,
      ttl: 300,
      zoneId,
    });
    expect(read.inputs).not.toHaveProperty("createdOn");
    await expect(provider.read("justone", recordUrn, {})).rejects.toThrow("<zone id>/<record id>");
  });

  test("a comment that is no longer given is removed at Cloudflare", async () => {
    const inputs = { name: "www", type: "A", content: "192.0.2.1", ttl: 1, zoneId };
    const { id, outs } = await create({ ...inputs, comment: "mine" });
    await provider.update(id, recordUrn, outs, inputs);
    expect(api.records.get(id)?.comment).toBe("");
  });

  test("bad inputs are refused before anything is called", async () => {
    expect(await reasons({ type: "A", ttl: 1, content: "192.0.2.1" })).toEqual([
      'name: "name" is required',
      'zoneId: "zoneId" is required',
    ]);
    expect(await reasons({ name: "a", type: "A", ttl: 7, content: "192.0.2.1", zoneId })).toEqual([
      expect.stringContaining("ttl: "),
    ]);
    expect(await reasons({ name: "a", type: "A", ttl: 300, proxied: true, content: "192.0.2.1", zoneId })).toEqual([
      expect.stringContaining("must be 1"),
    ]);
    expect(await reasons({ name: "a", type: "MX", ttl: 1, content: "m", zoneId })).toEqual([
      expect.stringContaining("priority"),
    ]);
    expect(await reasons({ name: "a", type: "CAA", ttl: 1, zoneId })).toEqual([
      expect.stringContaining('needs "data"'),
    ]);
    expect(await reasons({ name: "a", type: "A", ttl: unknown, content: unknown, zoneId: unknown })).toEqual([]);
    expect(await reasons({ settingId: "ssl", zoneId }, settingUrn)).toEqual(['value: "value" is required']);
    expect(api.calls).toEqual([]);
  });

  test("a secret content stays secret in the outputs and out of an error", async () => {
    const inputs = { name: "k", type: "TXT", ttl: 1, zoneId, content: secret("a-secret-content") };
    const { id, outs } = await create(inputs);
    expect(api.records.get(id)?.content).toBe("a-secret-content");
    expect(outs.content).toEqual(secret("a-secret-content"));
    const read = await provider.read(id, recordUrn, outs);
    expect(hasSecret(read.props.content)).toBe(true);
    await expect(create({ ...inputs, zoneId: "a-secret-content" })).rejects.toThrow("7003");
    await expect(create({ ...inputs, name: secret("hidden-name"), zoneId: "0" })).rejects.not.toThrow("hidden-name");
  });

  test("a setting is set, compared as a part of what the API gives, and left alone by delete", async () => {
    const inputs = { zoneId, settingId: "ssl", value: "full" };
    const { id, outs } = await create(inputs, settingUrn);
    expect(id).toBe("ssl");
    expect(api.settings.get("ssl")?.value).toBe("full");
    expect(await provider.diff(id, settingUrn, outs, inputs)).toEqual({ changes: false, replaces: [] });
    expect(await provider.diff(id, settingUrn, outs, { ...inputs, value: "strict" })).toEqual({
      changes: true,
      replaces: [],
    });
    expect(await provider.diff(id, settingUrn, outs, { ...inputs, settingId: "x" })).toEqual({
      changes: true,
      replaces: ["settingId"],
    });
    await provider.delete(id, settingUrn, outs);
    expect(api.settings.get("ssl")?.value).toBe("full");
    expect(api.calls.filter((call) => call.startsWith("DELETE"))).toEqual([]);
  });

  test("getZone wants exactly one zone and names its fields as the SDK does", async () => {
    const { outputs } = await provider.invoke("cloudflare:index/getZone:getZone", {
      filter: { name: "intranet.example" },
    });
    expect(outputs).toMatchObject({
      id: zoneId,
      zoneId,
      name: "intranet.example",
      nameServers: ["a.ns.example"],
      plan: { legacyId: "free" },
    });
    await expect(
      provider.invoke("cloudflare:index/getZone:getZone", { filter: { name: "other.example" } }),
    ).rejects.toThrow('no zone matches {"name":"other.example"}');
    await expect(provider.invoke("cloudflare:index/getZone:getZone", {})).rejects.toThrow("filter");
  });

  test("getDnsRecords brings the records of all pages that its filter asks for, named as the SDK does", async () => {
    const token = "cloudflare:index/getDnsRecords:getDnsRecords";
    const inputs = { zoneId, type: "A", ttl: 300 };
    const made = [];
    for (const [name, content] of [
      ["*.lists", "192.0.2.1"],
      ["lists", "192.0.2.2"],
      ["elsewhere", "192.0.2.3"],
    ])
      made.push(await provider.create(recordUrn, { ...inputs, name: `${name}.intranet.example`, content }));
    const { outputs } = await provider.invoke(token, { zoneId, name: { endswith: "lists.intranet.example" } });
    expect(outputs).toMatchObject({
      results: [
        { name: "*.lists.intranet.example", content: "192.0.2.1", createdOn: "2026-01-01T00:00:00Z" },
        { name: "lists.intranet.example", content: "192.0.2.2" },
      ],
    });
    const few = await provider.invoke(token, { zoneId, name: { endswith: "lists.intranet.example" }, maxItems: 1 });
    expect((few.outputs as { results: unknown[] }).results).toHaveLength(1);
    await expect(provider.invoke(token, {})).rejects.toThrow("zoneId");
    for (const { id } of made) await provider.delete(id, recordUrn, {});
  });

  test("getIpRanges gives both families", async () => {
    const { outputs } = await provider.invoke("cloudflare:index/getIpRanges:getIpRanges", {});
    expect(outputs).toEqual({
      etag: "e1",
      ipv4Cidrs: ["192.0.2.0/24"],
      ipv6Cidrs: ["2001:db8::/32"],
      jdcloudCidrs: [],
    });
  });

  describe("errors say what is wrong and what helps", () => {
    const inputs = { name: "www", type: "A", content: "192.0.2.1", ttl: 1, zoneId };
    const failing = (token: string | undefined) => {
      if (token === undefined) delete process.env.CLOUDFLARE_API_TOKEN;
      else process.env.CLOUDFLARE_API_TOKEN = token;
      forgetClient();
      return provider.create(recordUrn, inputs);
    };

    test("a wrong token", async () => {
      const wrong = "W".repeat(40);
      const error: Error = (await failing(wrong).catch((reason: Error) => reason)) as Error;
      expect(error.message).toBe(
        "creating DNS record A www: Cloudflare answered 403: Authentication error (code 10000). Check CLOUDFLARE_API_TOKEN: it must be a live token that may read the zone and edit its DNS records and settings",
      );
      expect(error.stack).not.toContain(wrong);
    });
    test("no token", () => expect(failing(undefined)).rejects.toThrow("CLOUDFLARE_API_TOKEN is not set"));
    test("something that is no token", async () => {
      await expect(failing("short one")).rejects.toThrow("it has 9 characters");
      await expect(failing("short one")).rejects.not.toThrow("short one");
    });
    test("nobody at the address", async () => {
      await api.close();
      await expect(failing(goodToken)).rejects.toThrow(/could not be reached.*CLOUDFLARE_BASE_URL/);
    });
    test("a record that is there already", async () => {
      await provider.create(recordUrn, inputs);
      await expect(provider.create(recordUrn, inputs)).rejects.toThrow(/81058.*pulumi import/);
    });
    test("a resource that the stand-in does not have", () =>
      expect(provider.create("urn:pulumi:s::p::cloudflare:index/worker:Worker::w", {})).rejects.toThrow(
        "no resource type cloudflare:index/worker:Worker",
      ));
  });
});
