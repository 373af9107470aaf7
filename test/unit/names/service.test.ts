/**
 * Real BIND servers in a network namespace of their own. Needs root, unshare, nsenter and BIND; skipped without them.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { readContent } from "../../../lab/clouds/cloudflare/content";
import { SERVICES } from "../../../lab/constants";
import type { NamesOptions, NamesService, ZoneRecord } from "../../../lab/machines";
import { startNames, trustAnchor } from "../../../lab/names";
import { start } from "../../../lab/process";

const execute = promisify(execFile);
const ZONE = "intranet.example";
const { resolver, authoritative } = SERVICES;
const usable =
  process.getuid?.() === 0 &&
  ["/usr/sbin/named", "/usr/bin/delv", "/usr/bin/unshare"].every((file) => existsSync(file));

let holder: ChildProcess;
let names: NamesService;
let directory: string;
let options: NamesOptions;

const inside = (argv: readonly string[]): string[] => ["nsenter", `--net=/proc/${holder.pid}/ns/net`, "--", ...argv];

async function output(argv: readonly string[]): Promise<string> {
  const [file, ...args] = inside(argv) as [string, ...string[]];
  const { stdout, stderr } = await execute(file, args).catch((error: { stdout: string; stderr: string }) => error);
  return stdout + stderr;
}

/** What the resolver answers: status, whether it vouches for the answer (AD), and the answer's data, sorted. */
async function resolve(
  name: string,
  type: string,
  server: string = resolver.ipv4,
): Promise<{ status: string; ad: boolean; data: string[] }> {
  const text = await output([
    "dig",
    `@${server}`,
    "+time=2",
    "+tries=3",
    "+adflag",
    "+noall",
    "+comments",
    "+answer",
    name,
    type,
  ]);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? text,
    ad: /flags:[^;]* ad[ ;]/.test(text),
    data: lines.map((line) => line.split(/\s+/).slice(3).join(" ")).sort(),
  };
}

const a = (name: string, data: string, ttl = 300): ZoneRecord => ({ name, type: "A", ttl, data });
const BASE = [a(`www.${ZONE}`, "192.0.2.40"), a(`*.${ZONE}`, "198.51.100.10", 60)];

(usable ? describe : describe.skip)("the lab's public DNS", () => {
  beforeAll(async () => {
    // The addresses exist inside this namespace alone.
    holder = spawn("unshare", [
      "--net",
      "sh",
      "-c",
      "ip link set lo up; for a; do ip addr add $a dev lo; done; echo up; exec sleep infinity",
      "sh",
      ...[resolver, authoritative].flatMap(({ ipv4, ipv6 }) => [`${ipv4}/32`, `${ipv6}/128`]),
    ]);
    await new Promise((resolve) => holder.stdout?.once("data", resolve));
    directory = mkdtempSync(join(tmpdir(), "names-"));
    const logs = join(directory, "logs");
    mkdirSync(logs);
    options = {
      directory: join(directory, "dns"),
      logs,
      namespace: "services",
      spawn: (_namespace, argv, log) => start(inside(argv), log),
    };
    names = await startNames(options);
    await names.publishZone(ZONE, BASE);
  }, 30_000);

  afterAll(async () => {
    await names?.stop();
    holder?.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });

  test("validates from the root's key down, over both families", async () => {
    for (const server of [resolver.ipv4, resolver.ipv6]) {
      expect(await resolve(`www.${ZONE}`, "A", server)).toEqual({
        status: "NOERROR",
        ad: true,
        data: ["A 192.0.2.40"],
      });
    }
    expect(await resolve(`any.thing.${ZONE}`, "A")).toEqual({ status: "NOERROR", ad: true, data: ["A 198.51.100.10"] });
    expect(await resolve("absent.example", "A")).toMatchObject({ status: "NXDOMAIN", ad: true });
    expect(await resolve(`www.${ZONE}`, "AAAA")).toMatchObject({ status: "NOERROR", ad: true, data: [] });
  });

  test("delv walks the chain by itself, from the published anchor; a wrong anchor fails", async () => {
    const check = async (ds: string): Promise<string> => {
      const file = join(directory, "anchor");
      const [tag, algorithm, type, digest] = ds.split(" ");
      writeFileSync(file, `trust-anchors { . static-ds ${tag} ${algorithm} ${type} "${digest}"; };\n`);
      return output(["delv", `@${resolver.ipv4}`, "-a", file, "+root=.", `www.${ZONE}`, "A"]);
    };
    const { ds, dnskey } = trustAnchor();
    expect(await check(ds)).toContain("; fully validated");
    expect(await check(ds.replace(/.$/, (last) => (last === "0" ? "1" : "0")))).not.toContain("validated");
    expect((await resolve(".", "DNSKEY")).data[0]?.replace(/ /g, "")).toContain(dnskey.replace(/ /g, ""));
  });

  test("the DS that the parent has is the one that BIND makes of the key", async () => {
    const key = join(options.directory, "authoritative", "keys", readKeyName());
    const { stdout } = await execute("dnssec-dsfromkey", ["-2", key]);
    const published = (await resolve(ZONE, "DS", authoritative.ipv4)).data[0] as string;
    expect(
      stdout
        .trim()
        .replace(/^\S+ IN /, "")
        .replace(/ /g, ""),
    ).toBe(published.replace(/ /g, ""));
  });

  test("a new record, a changed one and a deleted one are seen at the resolver within a second", async () => {
    expect((await resolve(`fresh.www.${ZONE}`, "A")).status).toBe("NXDOMAIN"); // now remembered, if anything is
    const timed = async (records: ZoneRecord[], expected: object): Promise<void> => {
      const began = Date.now();
      await names.publishZone(ZONE, [...BASE, ...records]);
      expect(await resolve(`fresh.www.${ZONE}`, "A")).toMatchObject(expected);
      expect(Date.now() - began).toBeLessThan(1000);
    };
    await timed([a(`fresh.www.${ZONE}`, "192.0.2.1")], { status: "NOERROR", ad: true, data: ["A 192.0.2.1"] });
    await timed([a(`fresh.www.${ZONE}`, "192.0.2.2")], { status: "NOERROR", ad: true, data: ["A 192.0.2.2"] });
    await timed([], { status: "NXDOMAIN", ad: true });
  });

  test("reverse names come and go, signed, over both families", async () => {
    await names.setReverse("198.51.100.10", `vps.${ZONE}`);
    await names.setReverse("2001:db8:100:1::1", `vps.${ZONE}`);
    expect(await resolve("10.100.51.198.in-addr.arpa", "PTR")).toEqual({
      status: "NOERROR",
      ad: true,
      data: [`PTR vps.${ZONE}.`],
    });
    const text = await output(["dig", `@${resolver.ipv4}`, "+short", "-x", "2001:db8:100:1::1"]);
    expect(text.trim()).toBe(`vps.${ZONE}.`);
    await names.setReverse("198.51.100.10", undefined);
    expect((await resolve("10.100.51.198.in-addr.arpa", "PTR")).status).toBe("NXDOMAIN");
  });

  test("a zone that the signer refuses is an error, and the earlier one stays", async () => {
    const bad = [...BASE, { name: `www.${ZONE}`, type: "CNAME", ttl: 60, data: "elsewhere.example." }];
    await expect(names.publishZone(ZONE, bad)).rejects.toThrow(/CNAME and other data/);
    await expect(names.publishZone("example", [])).rejects.toThrow("the lab's own");
    expect((await resolve(`www.${ZONE}`, "A")).data).toEqual(["A 192.0.2.40"]);
  });

  test("a record that was changed behind the signature is SERVFAIL at the resolver", async () => {
    const file = join(options.directory, "authoritative", `${ZONE}.signed`);
    const signed = readFileSync(file, "utf8");
    expect(signed).toContain("192.0.2.40");
    const rndc = async (port: number, ...command: string[]): Promise<string> =>
      output([
        "/usr/sbin/rndc",
        "-k",
        join(options.directory, "rndc.key"),
        "-s",
        "127.0.0.1",
        "-p",
        String(port),
        ...command,
      ]);
    writeFileSync(file, signed.replace("192.0.2.40", "192.0.2.66"));
    await rndc(9530, "reload", `${ZONE}.`);
    await rndc(9531, "flush");
    expect((await resolve(`www.${ZONE}`, "A", authoritative.ipv4)).data).toEqual(["A 192.0.2.66"]);
    expect(await resolve(`www.${ZONE}`, "A")).toEqual({ status: "SERVFAIL", ad: false, data: [] });
    writeFileSync(file, signed);
    await rndc(9530, "reload", `${ZONE}.`);
    await rndc(9531, "flush");
    expect((await resolve(`www.${ZONE}`, "A")).data).toEqual(["A 192.0.2.40"]);
  });

  test("somebody else's zones: a signed one validates; a forged one is SERVFAIL, and seen when checking is off", async () => {
    for (const [type, data] of [
      ["A", "A 192.0.2.41"],
      ["TXT", 'TXT "as signed"'],
    ] as const)
      expect(await resolve("signed.example", type)).toEqual({ status: "NOERROR", ad: true, data: [data] });
    for (const [type, data] of [
      ["A", "192.0.2.66"],
      ["TXT", '"forged"'],
    ] as const) {
      expect(await resolve("broken.example", type)).toEqual({ status: "SERVFAIL", ad: false, data: [] });
      const unchecked = await output(["dig", `@${resolver.ipv4}`, "+cd", "+short", "broken.example", type]);
      expect(unchecked.trim()).toBe(data);
    }
    // Only what was forged is refused: the zone's delegation and key are good.
    expect(await resolve("broken.example", "DNSKEY")).toMatchObject({ status: "NOERROR", ad: true });
    await expect(names.publishZone("broken.example", [])).rejects.toThrow("the lab's own");
  });

  test("every type that the Cloudflare service takes is accepted by the real server", async () => {
    const samples: [string, object][] = [
      ["A", { content: "192.0.2.1" }],
      ["AAAA", { content: "2001:DB8::1" }],
      ["CNAME", { content: "WWW.intranet.example" }],
      ["NS", { content: "ns.example" }],
      ["PTR", { content: "host.example" }],
      ["MX", { content: ".", priority: 0 }],
      ["TXT", { content: `${"long ".repeat(60)}"quoted" \\ ; $INCLUDE ünïcode` }],
      ["CAA", { data: { flags: 128, tag: "issue", value: 'ca.example; policy="x"' } }],
      ["SRV", { data: { priority: 1, weight: 2, port: 443, target: "." } }],
      ["TLSA", { data: { usage: 3, selector: 1, matching_type: 1, certificate: "ab".repeat(32) } }],
      ["SSHFP", { data: { algorithm: 4, type: 2, fingerprint: "cd".repeat(32) } }],
    ];
    const records = samples.map(([type, body]) => {
      return { name: `t-${type.toLowerCase()}.${ZONE}`, type, ttl: 60, data: readContent(type, body).presentation };
    });
    await names.publishZone(ZONE, [...BASE, ...records]);
    for (const [type] of samples) {
      const answer = await resolve(`t-${type.toLowerCase()}.${ZONE}`, type, authoritative.ipv4);
      if (type !== "NS") expect([type, answer.data.length, answer.status]).toEqual([type, 1, "NOERROR"]);
    }
    const txt = (await resolve(`t-txt.${ZONE}`, "TXT")).data[0] as string;
    expect(txt).toContain('" "'); // cut at 255 bytes
    expect(txt).toContain(String.raw`\"quoted\" \\ ; $INCLUDE \195\188n\195\175code`);
  });

  test("everything is back after a restart", async () => {
    await names.stop();
    expect((await resolve(`www.${ZONE}`, "A")).status).not.toBe("NOERROR");
    names = await startNames(options);
    expect(await resolve(`www.${ZONE}`, "A")).toEqual({ status: "NOERROR", ad: true, data: ["A 192.0.2.40"] });
    expect((await output(["dig", `@${resolver.ipv4}`, "+short", "-x", "2001:db8:100:1::1"])).trim()).toBe(
      `vps.${ZONE}.`,
    );
  }, 30_000);

  test("the authoritative server answers nothing else and gives no transfer", async () => {
    expect((await resolve("www.elsewhere", "A", authoritative.ipv4)).status).toBe("NXDOMAIN");
    expect(await output(["dig", `@${authoritative.ipv4}`, ZONE, "AXFR"])).toContain("Transfer failed");
  });

  function readKeyName(): string {
    const tag = readFileSync(join(options.directory, "authoritative", `${ZONE}.signed`), "utf8").match(
      /key id = (\d+)/,
    )?.[1];
    return `K${ZONE}.+013+${String(tag).padStart(5, "0")}.key`;
  }
});
