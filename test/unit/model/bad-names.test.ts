/** Links, names and the CA: what is refused, with path, rule, values and the way out. */
import * as model from "../../../model";
import { site, spec } from "./fixtures";

function issuesOf(more: object): readonly model.Issue[] {
  const sites = { home: site(0), cabin: site(1), office: site(2) };
  try {
    model.planIntranet("home", spec({ sites, ...more }));
  } catch (error) {
    if (error instanceof model.ValidationError) return error.issues;
    throw error;
  }
  return [];
}

const endpoint = { address: "198.51.100.160", port: 61999 };
const links = (...list: object[]): object => ({ links: list });
const source = (more: unknown): object => ({ certificateAuthority: { at: "home", source: more } });
const dns = (more: object): object => ({ dns: { at: ["home"], ...more } });
const record = (more: object): object =>
  dns({ extraRecords: [{ name: "nas", type: "A", data: "10.20.0.7", ...more }] });

test.each<[string, object, string, string, string[]]>([
  [
    "a link without an endpoint",
    links({ from: "cabin", to: "office" }),
    "links[0].endpoint",
    "must be reachable",
    ["nothing"],
  ],
  [
    "an endpoint of the sinkhole",
    links({ from: "cabin", to: "vps", endpoint }),
    "links[0].endpoint",
    "known from its cloud",
    ['"198.51.100.160"'],
  ],
  [
    "an endpoint by name",
    links({ from: "cabin", to: "office", endpoint: { ...endpoint, address: "office.example" } }),
    "links[0].endpoint.address",
    "IPv4 or IPv6",
    ['"office.example"'],
  ],
  [
    "a link from the sinkhole",
    links({ from: "vps", to: "office", endpoint }),
    "links[0].from",
    "start at a site",
    ['"vps"', 'sites are "home", "cabin", "office"'],
  ],
  [
    "a link to nowhere",
    links({ from: "cabin", to: "attic", endpoint }),
    "links[0].to",
    "a site or to vps",
    ['"attic"', 'sites are "home", "cabin", "office"'],
  ],
  [
    "a link of a host to itself",
    links({ from: "cabin", to: "cabin", endpoint }),
    "links[0]",
    "two different hosts",
    ['a.host "cabin"', 'b.host "cabin"'],
  ],
  [
    "two links between the same hosts",
    links(
      { from: "cabin", to: "office", endpoint },
      { from: "office", to: "cabin", endpoint: { ...endpoint, port: 62000 } },
    ),
    "links[1]",
    "same two hosts",
    ["links[0] cabin and office", "links[1] cabin and office"],
  ],
  [
    "one port for two links",
    links({ from: "cabin", to: "office", endpoint }, { from: "home", to: "office", endpoint }),
    "links[1].endpoint.port",
    "same port of the same host",
    ["links[0].endpoint.port: office port 61999", "links[1].endpoint.port: office port 61999"],
  ],
  [
    "one port for both tunnels of a link",
    links({ from: "cabin", to: "office", endpoint: { ...endpoint, sparePort: endpoint.port } }),
    "links[0].endpoint.sparePort",
    "same port of the same host",
    ["links[0].endpoint.port: office port 61999", "links[0].endpoint.sparePort: office port 61999"],
  ],
  [
    "keys of version zero",
    links({ from: "cabin", to: "vps", keyVersion: 0 }),
    "links[0].keyVersion",
    "whole number from 1",
    ["0"],
  ],
  ["a cost of nothing", links({ from: "cabin", to: "vps", cost: 0 }), "links[0].cost", "from 1 to 65533", ["0"]],
  ["an area that is none", links({ from: "cabin", to: "vps", area: -1 }), "links[0].area", "from 0 to", ["-1"]],
  [
    "areas that do not touch the backbone",
    links({ from: "cabin", to: "office", endpoint, area: 5 }, { from: "cabin", to: "vps", area: 6 }),
    "links[1].area",
    "must also be in area 0",
    ['"cabin" is in areas 6 and 5'],
  ],
  [
    "services without name servers",
    { dns: undefined, certificateAuthority: undefined, services: { mail: { at: "home", port: 25, protocol: "tcp" } } },
    "dns",
    "need name servers",
    ["services.mail"],
  ],
  [
    "services without certificates",
    { certificateAuthority: undefined },
    "certificateAuthority",
    "who issues",
    ["services.nextcloud"],
  ],
  [
    "a CA nowhere",
    { certificateAuthority: { at: "attic" } },
    "certificateAuthority.at",
    "runs at a site",
    ['"attic"', 'sites are "home", "cabin", "office"'],
  ],
  [
    "a lifetime that is none",
    { certificateAuthority: { at: "home", leafLifetime: "a week" } },
    "certificateAuthority.leafLifetime",
    "must be a time",
    ['"a week"'],
  ],
  [
    "a source of step-ca that is none",
    source("debian"),
    "certificateAuthority.source",
    "smallstep or present",
    ['"debian"'],
  ],
  [
    "a package without its checksum",
    source({ deb: "https://vendor.example/step-ca.deb" }),
    "certificateAuthority.source.sha256",
    "SHA-256",
    ["nothing"],
  ],
  [
    "a checksum without its package",
    source({ sha256: "0".repeat(64) }),
    "certificateAuthority.source.deb",
    "needs its file",
    [`"${"0".repeat(64)}"`],
  ],
  [
    "a package by another way than http",
    source({ deb: "file:///tmp/step-ca.deb", sha256: "0".repeat(64) }),
    "certificateAuthority.source.deb",
    "http or https URL",
    ['"file:///tmp/step-ca.deb"'],
  ],
  [
    "a package and a repository",
    source({ deb: "https://vendor.example/a.deb", sha256: "0".repeat(64), fingerprint: "A".repeat(40) }),
    "certificateAuthority.source",
    "not both",
    ["deb", "fingerprint"],
  ],
  [
    "a key's short name",
    source({ fingerprint: "DC6315A3" }),
    "certificateAuthority.source.fingerprint",
    "whole fingerprint",
    ['"DC6315A3"'],
  ],
  [
    "a repository without its key",
    source({ repository: "https://vendor.example/debian" }),
    "certificateAuthority.source.key",
    "a key of its own",
    ['"https://vendor.example/debian"'],
  ],
  [
    "a key without its fingerprint",
    source({ key: "https://vendor.example/key.gpg" }),
    "certificateAuthority.source.fingerprint",
    "another fingerprint",
    ['"https://vendor.example/key.gpg"'],
  ],
  ["no name server", dns({ at: [] }), "dns.at", "at least one", ["an empty list"]],
  ["a name server twice", dns({ at: ["home", "home"] }), "dns.at[1]", "named twice", ['"home"']],
  [
    "a name server nowhere",
    dns({ at: ["vps"] }),
    "dns.at[0]",
    "run at sites",
    ['"vps"', 'sites are "home", "cabin", "office"'],
  ],
  ["a forwarder by name", dns({ forwarders: ["dns.example"] }), "dns.forwarders[0]", "IPv4 or IPv6", ['"dns.example"']],
  [
    "a trust anchor that is none",
    dns({ trustAnchors: [". 1 2 3 x"] }),
    "dns.trustAnchors[0]",
    "DS record",
    ['". 1 2 3 x"'],
  ],
  [
    "a service with a host's name",
    { services: { cabin: { at: "home", port: 1 } } },
    "services.cabin",
    "the name is taken",
    ['"cabin" names the host of sites.cabin', "services.cabin"],
  ],
  [
    "a service with the CA's name",
    { services: { ca: { at: "home", port: 1 } } },
    "services.ca",
    "the name is taken",
    ['"ca" names certificateAuthority', "services.ca"],
  ],
  [
    "a raw service at a port of the host's own",
    { services: { mail: { at: "home", port: 53, protocol: "tcp" } } },
    "services.mail.port",
    "own programs listen",
    ["53"],
  ],
  [
    "more name servers than a resolver takes",
    dns({ at: ["home", "cabin", "office", "attic"] }),
    "dns.at",
    "at most 3 sites",
    ["4"],
  ],
  [
    "a forwarder that is a name server's host",
    dns({ forwarders: ["10.20.0.10"] }),
    "dns.forwarders[0]",
    "none of the servers",
    ['"10.20.0.10"'],
  ],
  [
    "a forwarder that is a name server's identity",
    dns({ forwarders: [model.planIntranet("home", spec()).hosts["home"]!.identity.v4] }),
    "dns.forwarders[0]",
    "none of the servers",
    [`"${model.planIntranet("home", spec()).hosts["home"]!.identity.v4}"`],
  ],
  ["no forwarder", dns({ forwarders: [] }), "dns.forwarders", "must name a resolver", ["an empty list"]],
  [
    "a root server by a bad name",
    dns({ rootServers: { "a b": ["198.51.100.53"] } }),
    "dns.rootServers.a b",
    "domain",
    ['"a b"'],
  ],
  [
    "a record with an open quote",
    record({ type: "TXT", data: '"open' }),
    "dns.extraRecords[0].data",
    "one line",
    ['"\\"open"'],
  ],
  [
    "a record with a comment",
    record({ type: "TXT", data: "a ; b" }),
    "dns.extraRecords[0].data",
    "one line",
    ['"a ; b"'],
  ],
  [
    "a mail server relative to the domain",
    record({ type: "MX", data: "10 mail.example.net" }),
    "dns.extraRecords[0].data",
    "must end in one",
    ['"mail.example.net"'],
  ],
  ["an address record with a name", record({ data: "nas" }), "dns.extraRecords[0].data", "IPv4 address", ['"nas"']],
  [
    "a record that servers make themselves",
    record({ type: "SOA" }),
    "dns.extraRecords[0].type",
    "neither NS nor CNAME",
    ['"SOA"'],
  ],
  [
    "a record beside an alias",
    dns({
      extraRecords: [
        { name: "nas", type: "CNAME", data: "home" },
        { name: "nas", type: "A", data: "10.20.0.7" },
      ],
    }),
    "dns.extraRecords[1]",
    "beside a CNAME",
    ["dns.extraRecords[0]", '"nas A 10.20.0.7"'],
  ],
  [
    "an organisation that no certificate names",
    { certificateAuthority: { at: "home", organisation: "x".repeat(41) } },
    "certificateAuthority.organisation",
    "1 to 40 printable",
    [`"${"x".repeat(41)}"`],
  ],
  [
    "a leaf that lives too short",
    { certificateAuthority: { at: "home", leafLifetime: "2m" } },
    "certificateAuthority.leafLifetime",
    "from 3m to 8760h",
    ['"2m"'],
  ],
  [
    "a record for a service",
    record({ name: "nextcloud" }),
    "dns.extraRecords[0].name",
    "a service has that name",
    ["services.nextcloud", 'dns.extraRecords[0].name "nextcloud"'],
  ],
  ["a record that is no name", record({ name: "a b" }), "dns.extraRecords[0].name", "labels of a-z", ['"a b"']],
  ["a record of two lines", record({ data: "1\n2" }), "dns.extraRecords[0].data", "one line", ['"1\\n2"']],
  ["a record of no type", record({ type: "a" }), "dns.extraRecords[0].type", "capitals", ['"a"']],
  ["a record for no time", record({ ttl: 0 }), "dns.extraRecords[0].ttl", "seconds", ["0"]],
  [
    "host keys of an enrolled host",
    { sites: { home: site(0, { host: { ...site(0).host, enrol: true } }) } },
    "sites.home.host.hostKeys",
    "made by the library",
    ["enrol true", "1 host keys"],
  ],
  [
    "a host without keys",
    { sites: { home: site(0, { host: { address: "10.20.0.10" } }) } },
    "sites.home.host.hostKeys",
    "must be pinned",
    ["an empty list"],
  ],
])("%s", (_case, more, path, rule, values) => {
  const issue = issuesOf(more).find((found) => found.path === path && found.rule.includes(rule));
  expect(issue).toBeDefined();
  expect(issue!.values).toEqual(values);
  expect(issue!.help).not.toBe("");
});

test("what is right has no issue", () => {
  expect(
    issuesOf({
      links: [
        { from: "cabin", to: "office", endpoint, cost: 5 },
        { from: "office", to: "vps", cost: 100, area: 0 },
      ],
      dns: {
        at: ["home", "cabin"],
        forwarders: ["198.51.100.53"],
        rootServers: { "a.root.example": ["192.0.2.54", "2001:db8::54"] },
        trustAnchors: [". 46434 13 2 23E40FBDC57D77128A2A9D1445CB398309096C680E247B2E6FA9F5C17D119D99"],
        extraRecords: [
          { name: "@", type: "MX", data: "10 mail.example.net." },
          { name: "_imap._tcp", type: "SRV", data: "0 1 993 nas" },
          { name: "*", type: "A", ttl: 60, data: "10.20.0.7" },
        ],
      },
      certificateAuthority: { at: "home", organisation: "The family", leafLifetime: "5m", renewInterval: "10s" },
    }),
  ).toEqual([]);
});
