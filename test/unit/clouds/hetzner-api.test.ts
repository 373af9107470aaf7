import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parseEndpoint } from "../../../lab/clouds/listen";
import { parseSelector } from "../../../lab/clouds/hetzner/labels";
import { RateLimit } from "../../../lab/clouds/hetzner/rate-limit";
import { StateFile } from "../../../lab/clouds/state-file";
import { HCLOUD_TOKEN } from "../../../lab/constants";
import { call, startTestClouds, type Answer, type TestClouds } from "./fakes";

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJSQXuYoVzR5Hxz6Cx3uLAeXh0FqkcTGXKqFkfpHcd0";

let lab: TestClouds;
const api = (method: string, path: string, body?: unknown, token = HCLOUD_TOKEN): Promise<Answer> =>
  call(method, `${lab.clouds.hetznerUrls[0] as string}${path}`, token, body);

/** A well-formed Ed25519 public key that differs by number. */
function publicKey(number: number): string {
  const key = Buffer.alloc(32, number);
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from([0, 0, 0, 32]), key]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}

describe("the API as a whole", () => {
  beforeEach(async () => {
    lab = await startTestClouds();
  });
  afterEach(() => lab.clouds.close());

  test("wants its token, and never writes it down", async () => {
    for (const token of ["", "x".repeat(64), HCLOUD_TOKEN.slice(1), `${HCLOUD_TOKEN}0`]) {
      const { status, body } = await api("GET", "/servers", undefined, token);
      expect([status, body.error.code]).toEqual([401, "unauthorized"]);
    }
    await api("GET", "/servers");
    expect(lab.log).toContainEqual(expect.stringMatching(/^hetzner GET \/v1\/servers 401 \d+ ms$/));
    expect(lab.log.join("\n")).not.toContain(HCLOUD_TOKEN);
  });

  test("answers unknown paths, bad JSON and bad types in its own form", async () => {
    expect((await api("GET", "/moons")).body.error.code).toBe("not_found");
    expect((await api("POST", "/servers", "{")).body.error.code).toBe("json_error");
    const { body } = await api("POST", "/servers", { server_type: true });
    const fields = body.error.details.fields.map((field: { name: string }) => field.name);
    expect(fields.sort()).toEqual(["image", "name", "server_type"]);
    expect((await api("POST", "/ssh_keys", { name: "x", public_key: "x".repeat(2 ** 21) })).body.error.code).toBe(
      "payload_too_large",
    );
  });

  test("counts requests in its headers", async () => {
    const { headers } = await api("GET", "/servers");
    expect(headers.get("ratelimit-limit")).toBe("3600");
    expect(Number(headers.get("ratelimit-remaining"))).toBe(3599);
    expect(Number(headers.get("ratelimit-reset"))).toBeGreaterThan(Date.now() / 1000 - 1);
  });

  test("pages through a list, and past its end", async () => {
    for (let number = 0; number < 27; number++) {
      expect((await api("POST", "/ssh_keys", { name: `k${number}`, public_key: publicKey(number) })).status).toBe(201);
    }
    const first = (await api("GET", "/ssh_keys")).body;
    expect(first.ssh_keys).toHaveLength(25);
    const pagination = { page: 1, per_page: 25, previous_page: null, next_page: 2, last_page: 2, total_entries: 27 };
    expect(first.meta).toEqual({ pagination });
    const second = (await api("GET", "/ssh_keys?page=2")).body;
    expect(second.ssh_keys).toHaveLength(2);
    expect(second.meta.pagination).toMatchObject({ previous_page: 1, next_page: null });
    expect((await api("GET", "/ssh_keys?page=3")).body.ssh_keys).toEqual([]);
    expect((await api("GET", "/ssh_keys?per_page=51")).body.error.code).toBe("invalid_input");
    expect((await api("GET", "/ssh_keys?page=0")).body.error.code).toBe("invalid_input");
    const newest = (await api("GET", "/ssh_keys?sort=id:desc&per_page=1")).body.ssh_keys;
    expect(newest[0].name).toBe("k26");
    expect((await api("GET", "/ssh_keys?sort=weight")).body.error.code).toBe("invalid_input");
  });

  test("shows a catalogue that the official provider can choose from", async () => {
    expect((await api("GET", "/server_types?name=cx23")).body.server_types).toMatchObject([
      { name: "cx23", architecture: "x86" },
    ]);
    const images = "/images?name=debian-13&include_deprecated=true&architecture=x86";
    const [image] = (await api("GET", images)).body.images;
    expect((await api("GET", `/images/${image.id}`)).body.image).toMatchObject({
      name: "debian-13",
      status: "available",
    });
    expect((await api("GET", "/images?architecture=arm")).body.images).toEqual([]);
    expect((await api("GET", "/locations?name=fsn1")).body.locations).toMatchObject([{ network_zone: "eu-central" }]);
    expect((await api("GET", "/server_types/1")).body.error.code).toBe("not_found");
  });

  test("finds actions by their ids", async () => {
    await api("POST", "/servers", { name: "vps", server_type: "cx23", image: "debian-13" });
    await lab.clouds.hetzner.project.actions.idle();
    const all = (await api("GET", "/servers/actions")).body.actions;
    const [a, b] = all;
    const chosen = (await api("GET", `/actions?id=${a.id}&id=${b.id}`)).body.actions;
    expect(chosen).toEqual([a, b]);
    expect(a).toMatchObject({ status: "success", progress: 100, error: null, finished: expect.any(String) });
    expect(a).not.toHaveProperty("parameters");
  });
});

describe("SSH keys", () => {
  beforeEach(async () => {
    lab = await startTestClouds();
  });
  afterEach(() => lab.clouds.close());

  test("have the MD5 fingerprint that ssh-keygen prints, and are found by it", async () => {
    const { ssh_key } = (
      await api("POST", "/ssh_keys", { name: "a", public_key: `${ED25519} me`, labels: { of: "me" } })
    ).body;
    expect(ssh_key.fingerprint).toBe("15:9f:80:b1:60:ed:9d:6a:7b:a4:9c:a0:c7:2e:1a:b5"); // ssh-keygen -E md5 -l
    expect((await api("GET", `/ssh_keys?fingerprint=${ssh_key.fingerprint}`)).body.ssh_keys).toEqual([ssh_key]);
    expect((await api("GET", "/ssh_keys?name=a")).body.ssh_keys).toHaveLength(1);
    expect((await api("GET", "/ssh_keys?label_selector=of%3Dme")).body.ssh_keys).toHaveLength(1);
    expect((await api("GET", "/ssh_keys?label_selector=of!%3Dme")).body.ssh_keys).toHaveLength(0);
  });

  test("are unique by key, whatever the comment, and by name", async () => {
    await api("POST", "/ssh_keys", { name: "a", public_key: `${ED25519} me` });
    const again = await api("POST", "/ssh_keys", { name: "b", public_key: `${ED25519} other` });
    expect([again.status, again.body.error]).toMatchObject([
      409,
      { code: "uniqueness_error", details: { fields: [{ name: "public_key" }] } },
    ]);
    const named = await api("POST", "/ssh_keys", { name: "a", public_key: publicKey(1) });
    expect(named.body.error.details.fields).toEqual([{ name: "name" }]);
  });

  test.each([
    ["no key", "hello"],
    ["a type that differs inside", ED25519.replace("ssh-ed25519", "ssh-rsa")],
    ["two lines", `${ED25519}\nssh-rsa AAAA`],
    ["an old type", "ssh-dss AAAAB3NzaC1kc3M="],
  ])("refuse %s", async (_what, public_key) => {
    expect((await api("POST", "/ssh_keys", { name: "a", public_key })).body.error.code).toBe("invalid_input");
  });

  test("are renamed and deleted", async () => {
    const { ssh_key } = (await api("POST", "/ssh_keys", { name: "a", public_key: ED25519 })).body;
    expect((await api("PUT", `/ssh_keys/${ssh_key.id}`, { name: "b" })).body.ssh_key.name).toBe("b");
    expect((await api("DELETE", `/ssh_keys/${ssh_key.id}`)).status).toBe(204);
    expect((await api("GET", `/ssh_keys/${ssh_key.id}`)).status).toBe(404);
  });
});

describe("label selectors", () => {
  const labels = { env: "prod", "example.net/tier": "web", flag: "" };
  test.each([
    ["env", true],
    ["!env", false],
    ["env=prod", true],
    ["env==prod,flag", true],
    ["env!=prod", false],
    ["other!=prod", true],
    ["env in (dev, prod)", true],
    ["env notin (dev,prod)", false],
    ["other notin (dev)", true],
    ["other in (dev)", false],
    ["example.net/tier=web,env in (prod),!other", true],
    ["flag=", true],
  ])("%s", (text, expected) => expect(parseSelector(text)(labels)).toBe(expected));

  test.each(["=", "a b", "env in prod", "-x", "a,,b"])("%s is refused", (text) => {
    expect(() => parseSelector(text)).toThrow("not a valid requirement");
  });
});

describe("the rate limit", () => {
  test("gives 3600 requests, then one a second", () => {
    let now = 0;
    const limit = new RateLimit(() => now);
    const headers: Record<string, unknown> = {};
    const reply = { header: (name: string, value: unknown) => ((headers[name] = value), reply) } as never;
    const taken = Array.from({ length: 3601 }, () => limit.take(reply));
    expect(taken.filter(Boolean)).toHaveLength(3600);
    expect(headers).toMatchObject({ "RateLimit-Remaining": 0, "RateLimit-Reset": 3600 });
    now = 2500;
    expect([limit.take(reply), limit.take(reply), limit.take(reply)]).toEqual([true, true, false]);
  });
});

describe("a state file", () => {
  test("survives with what was last saved, and leaves no temporary file", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (content) => {
        const path = join(mkdtempSync(join(tmpdir(), "state-")), "deep", "x.json");
        const file = new StateFile<{ content: object }>(path, () => ({ content: {} }));
        file.data.content = content;
        file.save();
        expect(new StateFile<{ content: object }>(path, () => ({ content: {} })).data.content).toEqual({ ...content });
        expect(readdirSync(join(path, ".."))).toEqual(["x.json"]);
      }),
      { numRuns: 20 },
    );
  });

  test("that is broken is refused and left alone", () => {
    const path = join(mkdtempSync(join(tmpdir(), "state-")), "x.json");
    writeFileSync(path, "{ broken");
    expect(() => new StateFile(path, () => ({}))).toThrow("is not valid JSON");
    expect(readFileSync(path, "utf8")).toBe("{ broken");
  });
});

describe("endpoints", () => {
  test("are read in both families", () => {
    expect(parseEndpoint("192.0.2.10:80")).toEqual({ address: "192.0.2.10", port: 80 });
    expect(parseEndpoint("[2001:db8:0:1::10]:80")).toEqual({ address: "2001:db8:0:1::10", port: 80 });
  });
  test.each(["80", "2001:db8::1:80", "192.0.2.10:70000", "host:80"])("%s is refused", (text) => {
    expect(() => parseEndpoint(text)).toThrow("not an endpoint");
  });
});
