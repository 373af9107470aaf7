import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { InternalDnsArgs, NameServerHost } from "../../../components/internal-dns/args";
import { checkInternalDns } from "../../../components/internal-dns/check";
import { renderDoctor } from "../../../components/internal-dns/doctor";
import * as render from "../../../components/internal-dns/render";
import { reverseName, reverseZones } from "../../../components/internal-dns/reverse";
import { nameServerRole } from "../../../components/internal-dns/roles";
import { renderZones } from "../../../components/internal-dns/zone";
import type { CheckArgs } from "../../../host";
import { parsePrefix, ValidationError } from "../../../model";
import { checkUnit, testWith, withFiles, type Verdict } from "./checkers";
import { expectGolden } from "./golden";

const connection = { address: "unused", hostKeys: [] };
const KEY = Buffer.alloc(32, 7).toString("base64");
const server = (name: string, number: number, lan: string): NameServerHost => {
  const identity = { v4: `10.31.240.${number}`, v6: `fd00:1:2:ffff::${number}` };
  return { connection, name, identity, listen: [identity.v4, identity.v6, lan] };
};
const two: InternalDnsArgs = {
  domain: "intranet.example",
  space: { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" },
  servers: [server("home", 2, "10.20.0.10"), server("cabin", 3, "10.30.0.10")],
  records: [
    { name: "nextcloud", type: "A", data: "10.31.240.2" },
    { name: "@", type: "MX", data: "10 mail.example.org." },
    { name: "@", type: "TXT", ttl: 60, data: '"v=spf1 -all; nothing"' },
    { name: "*.apps", type: "CNAME", data: "nextcloud" },
    { name: "_imap._tcp", type: "SRV", data: "0 1 993 nextcloud" },
  ],
  reverse: [
    { address: "10.31.240.2", name: "home.intranet.example" },
    { address: "fd00:1:2:ffff::2", name: "home.intranet.example" },
  ],
};
const one: InternalDnsArgs = {
  ...two,
  servers: two.servers.slice(0, 1),
  records: [],
  reverse: [],
  forwarders: ["192.0.2.53", "2001:db8:0:1::53"],
};
const lab: InternalDnsArgs = {
  ...two,
  rootServers: { "a.root-servers.example": ["192.0.2.54", "2001:db8:0:1::54"] },
  trustAnchors: [". 46434 13 2 23E40FBDC57D77128A2A9D1445CB398309096C680E247B2E6FA9F5C17D119D99"],
};
const hasName = { name: "wiki", type: "A", data: "10.31.240.3" };

const contentOf = (args: InternalDnsArgs, index: number): Record<string, string> =>
  Object.fromEntries(
    Object.entries(nameServerRole(args, index, KEY).files!).map(([path, file]) => [path, file.content as string]),
  );

/** Runs a role's own checks on its files, staged as the host's agent does. */
function runChecks(args: InternalDnsArgs, index: number, change: (path: string, text: string) => string): Verdict {
  const staged = Object.entries(contentOf(args, index)).map(([path, text]) => [
    path.slice(1),
    change(path, text.replace("{{transfer_key}}", KEY)),
  ]);
  return withFiles(Object.fromEntries(staged), (folder) => {
    const word = (part: CheckArgs["command"][number]): string =>
      typeof part === "string" ? part : join(folder, part.staged);
    const failed = nameServerRole(args, index, KEY)
      .checks!.map(({ command }) => {
        const [program, ...rest] = command.map(word);
        return spawnSync(program!, rest, { encoding: "utf8" });
      })
      .find(({ status }) => status !== 0);
    return { code: failed?.status ?? 0, output: `${failed?.stdout ?? ""}${failed?.stderr ?? ""}` };
  });
}

describe("reverse zones", () => {
  test.each([
    ["10.20.0.0/16", ["20.10.in-addr.arpa"]],
    ["10.16.0.0/12", ["10.in-addr.arpa"]],
    ["192.168.8.0/21", ["168.192.in-addr.arpa"]],
    ["172.20.0.0/14", [20, 21, 22, 23].map((octet) => `${octet}.172.in-addr.arpa`)],
    ["100.64.8.0/22", [8, 9, 10, 11].map((octet) => `${octet}.64.100.in-addr.arpa`)],
    ["fd00:1:2::/48", ["2.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa"]],
    ["fd00:1:2::/47", ["0.0.0.1.0.0.0.0.0.d.f.ip6.arpa"]],
    ["2001:db8:2::/47", ["2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "3.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"]],
  ])("of %s", (prefix, zones) => expect(reverseZones(parsePrefix(prefix)!)).toEqual(zones));

  test("an address's name lies in one of its space's", () => {
    expect(reverseName("10.31.240.2")).toBe("2.240.31.10.in-addr.arpa");
    expect(reverseName("fd00:1:2:ffff::2")).toBe(
      "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.f.f.f.f.2.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa",
    );
  });
});

describe("the files", () => {
  test.each<[string, InternalDnsArgs, number]>([
    ["alone", one, 0],
    ["primary", two, 0],
    ["secondary", two, 1],
    ["lab", lab, 0],
  ])("named.conf: %s", (name, args, index) =>
    expectGolden(`internal-dns/${name}.conf`, render.renderNamedConf(args, index)),
  );

  test.each(Object.entries(renderZones(two)))("zone %s", (zone, text) =>
    expectGolden(`internal-dns/${zone}.zone`, text),
  );

  test("the rest", () => {
    expectGolden("internal-dns/serials.sh", render.renderSerialScript());
    expectGolden("internal-dns/primary-drop-in.conf", render.renderNamedDropIn(two, 0));
    expectGolden("internal-dns/secondary-drop-in.conf", render.renderNamedDropIn(two, 1));
    expectGolden("internal-dns/transfer.key", render.renderKeyFile());
    expectGolden("internal-dns/policy.zone", render.renderPolicy());
    expectGolden("internal-dns/root.hints", render.renderHints(lab.rootServers!));
    expectGolden("internal-dns/doctor.sh", renderDoctor(two, ["10.31.240.2", "fd00:1:2:ffff::2"]));
  });

  test("one more name is one more line of one file on the first server, and nothing on the others", () => {
    const more = { ...two, records: [hasName, ...two.records] };
    const [before, after] = [contentOf(two, 0), contentOf(more, 0)];
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    expect(changed).toEqual([render.zoneFile("intranet.example")]);
    expect(after[changed[0]!]!.replace("wiki\t\tIN\tA\t10.31.240.3\n", "")).toBe(before[changed[0]!]);
    expect(nameServerRole(more, 1, KEY)).toEqual(nameServerRole(two, 1, KEY));
    const { files: _, ...role } = nameServerRole(two, 0, KEY);
    expect(nameServerRole(more, 0, KEY)).toMatchObject(role);
  });

  test("the key is a secret of its file alone, and stands nowhere without another server", () => {
    const { files } = nameServerRole(two, 1, KEY);
    expect(files![render.KEY_FILE]).toMatchObject({ secrets: { transfer_key: KEY }, mode: "0640" });
    expect(JSON.stringify({ ...nameServerRole(two, 1, KEY), files: contentOf(two, 1) })).not.toContain(KEY);
    expect(Object.keys(contentOf(one, 0))).not.toContain(render.KEY_FILE);
  });

  testWith("named-checkconf", "named reads every server's files, and refuses broken ones", () => {
    const same = (_: string, text: string): string => text;
    for (const [args, index] of [
      [one, 0],
      [two, 0],
      [two, 1],
      [lab, 0],
      [lab, 1],
    ] as const)
      expect(runChecks(args, index, same)).toEqual({ code: 0, output: "" });
    const without = (pattern: string | RegExp, replacement: string) => (_: string, text: string) =>
      text.replace(pattern, replacement);
    expect(runChecks(two, 0, without("allow-recursion", "alow-recursion")).output).toContain("unknown option");
    expect(runChecks(two, 0, without("IN\tMX\t10", "IN\tMX\tten")).output).toContain("near 'ten'");
    expect(runChecks(two, 0, without("*.apps\t\tIN\tCNAME", "nextcloud\t\tIN\tCNAME")).output).toContain("CNAME");
    expect(runChecks(two, 1, without(KEY, "no key")).code).not.toBe(0);
    expect(runChecks(lab, 0, without("\tNS\ta", "\tNZ\ta")).code).not.toBe(0);
  });

  testWith("named-checkconf", "systemd reads what is added to named's unit", () => {
    const unit = "[Service]\nType=notify\nExecStart=/bin/true\nExecReload=/bin/true\n";
    for (const index of [0, 1]) {
      const files = { "named.service": unit, "named.service.d/intranet.conf": render.renderNamedDropIn(two, index) };
      expect(checkUnit("named.service", files).output.replace(/^.*(?:rndc|not executable).*\n/gm, "")).toBe("");
    }
  });
});

describe("serials", () => {
  const zone = render.zoneFile("intranet.example");

  function inFolder<T>(body: (place: { source: string; served: string; stamp: () => number }) => T): T {
    return withFiles({ "source/policy.zone": render.renderPolicy(), "served/.keep": "" }, (folder) => {
      const [source, served] = [join(folder, "source"), join(folder, "served")];
      const script = render.renderSerialScript().replace(render.SOURCE, source).replace(render.SERVED, served);
      const stamp = (): number => {
        const result = spawnSync("sh", ["-c", script], { encoding: "utf8" });
        expect(result).toMatchObject({ status: 0, stdout: "", stderr: "" });
        return Number(/^\s+(\d+) ; serial/m.exec(readFileSync(join(served, "intranet.example.zone"), "utf8"))![1]);
      };
      return body({ source: join(source, "intranet.example.zone"), served, stamp });
    });
  }
  const text = contentOf(two, 0)[zone]!;
  const more = contentOf({ ...two, records: [hasName] }, 0)[zone]!;

  test("one rises with another content, back to the first one too, and otherwise stays", () =>
    inFolder(({ source, served, stamp }) => {
      writeFileSync(source, text);
      const first = stamp();
      expect(Math.abs(first - Date.now() / 1000)).toBeLessThan(5);
      const copy = readFileSync(join(served, "intranet.example.zone"), "utf8");
      expect(copy).toBe(text.replace("\t0 ; serial", `\t${first} ; serial`));
      utimesSync(source, 1, 1);
      expect(stamp()).toBe(first);
      writeFileSync(source, more);
      const second = stamp();
      expect(second).toBeGreaterThan(first);
      expect(stamp()).toBe(second);
      writeFileSync(source, text);
      expect(stamp()).toBeGreaterThan(second);
    }));

  test("it rises when the clock is behind", () =>
    inFolder(({ source, served, stamp }) => {
      writeFileSync(source, text);
      stamp();
      const copy = join(served, "intranet.example.zone");
      writeFileSync(copy, readFileSync(copy, "utf8").replace(/\d+ ; serial/, "4000000000 ; serial"));
      expect(stamp()).toBe(4000000000);
      writeFileSync(source, more);
      expect(stamp()).toBe(4000000001);
    }));

  test("a broken copy is made anew; a zone that is gone is not kept, and the policy is not touched", () =>
    inFolder(({ source, served, stamp }) => {
      writeFileSync(source, text);
      for (const broken of ["", "no zone\n"]) {
        writeFileSync(join(served, "intranet.example.zone"), broken);
        expect(stamp()).toBeGreaterThan(1_000_000_000);
      }
      writeFileSync(join(served, "old.example.zone"), "x");
      expect(stamp()).toBeGreaterThan(1_000_000_000);
      expect(existsSync(join(served, "old.example.zone"))).toBe(false);
      expect(existsSync(join(served, "policy.zone"))).toBe(false);
    }));
});

describe("bad arguments", () => {
  const record = (more: object): Partial<InternalDnsArgs> => ({ records: [{ ...hasName, ...more }] });
  const first = two.servers[0]!;
  test.each<[string, Partial<InternalDnsArgs>, string[]]>([
    ["no domain", { domain: "intranet" }, ["domain"]],
    ["no server", { servers: [] }, ["servers"]],
    ["four", { servers: [2, 3, 4, 5].map((number) => server(`h${number}`, number, "10.20.0.10")) }, ["servers"]],
    ["one twice", { servers: [first, first] }, ["servers[1]", "servers[1]", "servers[1]"]],
    [
      "a server that listens outside",
      { servers: [{ ...first, listen: [...first.listen, "0.0.0.0", "::", "198.51.100.1", "eth0"] }] },
      [3, 4, 5, 6].map((index) => `servers[0].listen[${index}]`),
    ],
    [
      "a server that does not listen at its identity",
      { servers: [{ ...first, listen: ["10.20.0.10"] }] },
      ["servers[0].listen", "servers[0].listen"],
    ],
    ["a name server's name", record({ name: "ns1" }), ["records[0].name"]],
    ["a full name", record({ name: "wiki.intranet.example." }), ["records[0].name"]],
    ["a type that is none", record({ type: "a" }), ["records[0].type"]],
    ["an SOA", record({ name: "@", type: "SOA", data: "a. b. 1 2 3 4 5" }), ["records[0].type"]],
    ["a delegation of the apex", record({ name: "@", type: "NS", data: "ns.example.org." }), ["records[0].type"]],
    ["an address that is none", record({ data: "10.20.0.300" }), ["records[0].data"]],
    ["the other family's", record({ type: "AAAA" }), ["records[0].data"]],
    ["two lines", record({ type: "TXT", data: '"a"\nb 300 IN A 10.0.0.1' }), ["records[0].data"]],
    ["a comment", record({ type: "TXT", data: "a ; b" }), ["records[0].data"]],
    ["an open quote", record({ type: "TXT", data: '"a' }), ["records[0].data"]],
    ["a bracket", record({ type: "MX", data: "10 ( mail" }), ["records[0].data"]],
    ["a forgotten dot", record({ type: "MX", data: "10 mail.example.org" }), ["records[0].data"]],
    ["a wrong TTL", record({ ttl: 0 }), ["records[0].ttl"]],
    ["a record twice", { records: [hasName, hasName] }, ["records[1]"]],
    ["a CNAME beside an address", { records: [hasName, { name: "wiki", type: "CNAME", data: "nas" }] }, ["records[0]"]],
    ["a pointer outside", { reverse: [{ address: "192.0.2.1", name: "x.example" }] }, ["reverse[0].address"]],
    ["an address of two names", { reverse: [two.reverse[0]!, two.reverse[0]!] }, ["reverse[1]"]],
    ["a forwarder by name", { forwarders: ["dns.example"] }, ["forwarders[0]"]],
    ["a forwarder in a circle", { forwarders: ["10.31.240.3"] }, ["forwarders[0]"]],
    ["no forwarder", { forwarders: [] }, ["forwarders"]],
    ["a root without servers", { rootServers: {} }, ["rootServers"]],
    ["a root server by name", { rootServers: { "a.example": ["b.example"] } }, ["rootServers.a.example[0]"]],
    ["a trust anchor that is none", { trustAnchors: [". 1 2 3 x"] }, ["trustAnchors[0]"]],
    ["a key version that is none", { keyVersion: 0 }, ["keyVersion"]],
  ])("%s", (_case, more, paths) => {
    const attempt = (): void => checkInternalDns("dns", { ...two, ...more });
    expect(attempt).toThrow(ValidationError);
    try {
      attempt();
    } catch (error) {
      expect((error as ValidationError).issues.map(({ path }) => path)).toEqual(paths);
    }
  });

  test("good ones", () => {
    for (const args of [one, two, lab]) expect(() => checkInternalDns("dns", args)).not.toThrow();
  });
});
