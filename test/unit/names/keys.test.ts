import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trustAnchor } from "../../../lab/names";
import { writeKeyFiles, zoneKey } from "../../../lab/names/keys";
import { reverseName } from "../../../lab/names/reverse";
import { zoneFile } from "../../../lab/names/zone-file";
import { parentOf, zoneContent, type NamesState } from "../../../lab/names/zones";

const state: NamesState = {
  version: 1,
  serial: 7,
  zones: { "intranet.example": [], "deep.intranet.example": [] },
  reverse: { "198.51.100.10": "vps.intranet.example" },
};

describe("zone keys", () => {
  test("are the same in every lab: the root's may be pinned", () => {
    expect(trustAnchor()).toEqual({ ds: zoneKey("").ds, dnskey: zoneKey("").dnskey });
    expect(zoneKey("example")).toEqual(zoneKey("example"));
    expect(zoneKey("example").secret).not.toBe(zoneKey("").secret);
  });

  test("have the file names that BIND looks for", () => {
    const directory = mkdtempSync(join(tmpdir(), "keys-"));
    const key = zoneKey("example");
    expect(writeKeyFiles(key, directory)).toBe(join(directory, `Kexample.+013+${String(key.tag).padStart(5, "0")}`));
  });
});

describe("delegation", () => {
  test("comes from the nearest zone above, with the child's DS", () => {
    expect(parentOf("example", state)).toBe("");
    expect(parentOf("intranet.example", state)).toBe("example");
    expect(parentOf("deep.intranet.example", state)).toBe("intranet.example");
    expect(parentOf("100.51.198.in-addr.arpa", state)).toBe("");
    const ds = { name: "deep.intranet.example", type: "DS", ttl: 300, data: zoneKey("deep.intranet.example").ds };
    expect(zoneContent("intranet.example", state).records).toContainEqual(ds);
    expect(zoneContent("example", state).records).not.toContainEqual(ds);
  });
});

describe("reverse names", () => {
  test.each([
    ["198.51.100.10", "10.100.51.198.in-addr.arpa", "100.51.198.in-addr.arpa"],
    [
      "2001:db8:100:1::1",
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.1.0.8.b.d.0.1.0.0.2.ip6.arpa",
      "8.b.d.0.1.0.0.2.ip6.arpa",
    ],
  ])("%s", (ip, name, zone) => expect(reverseName(ip)).toEqual({ name, zone }));

  test("of addresses elsewhere are refused", () => {
    expect(() => reverseName("10.0.0.1")).toThrow("outside the lab's public space");
    expect(() => reverseName("x")).toThrow("not an IP address");
  });

  test("lead to their own zone only", () => {
    expect(zoneContent("100.51.198.in-addr.arpa", state).records).toEqual([
      { name: "10.100.51.198.in-addr.arpa", type: "PTR", ttl: 300, data: "vps.intranet.example." },
    ]);
    expect(zoneContent("2.0.192.in-addr.arpa", state).records).toEqual([]);
  });
});

describe("a zone file", () => {
  const file = (record: object): string =>
    zoneFile(
      {
        zone: "a.example",
        nameServers: ["ns.example"],
        dnskey: "257 3 13 KEY",
        records: [{ name: "x.a.example", type: "A", ttl: 60, data: "192.0.2.1", ...record }],
      },
      42,
    );
  test("has one line a record", () => {
    expect(file({ name: "*.a.example" }).split("\n")).toEqual([
      "a.example. 300 IN SOA ns.example. hostmaster.example. 42 3600 600 604800 1",
      "a.example. 300 IN NS ns.example.",
      "a.example. 300 IN DNSKEY 257 3 13 KEY",
      "*.a.example. 60 IN A 192.0.2.1",
      "",
    ]);
  });
  test.each([
    ["a name outside the zone", { name: "x.b.example" }],
    ["a directive as name", { name: "$INCLUDE.a.example" }],
    ["a second line in the data", { data: "192.0.2.1\nevil.a.example. IN A 192.0.2.2" }],
    ["a type that is none", { type: "A 1" }],
    ["a fraction as ttl", { ttl: 0.5 }],
  ])("refuses %s", (_what, record) => expect(() => file(record)).toThrow("cannot stand in zone a.example."));
});
