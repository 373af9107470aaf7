import * as model from "../../../model";
import { HOST_KEY, site, spec } from "./fixtures";

/** A home with the addresses that many have. */
const BESIDE = { host: { address: "192.168.178.20", hostKeys: [HOST_KEY] }, lan: ["192.168.178.0/24"] };

function issuesOf(description: unknown): readonly model.Issue[] {
  try {
    model.planIntranet("home", description as model.IntranetSpec);
  } catch (error) {
    if (error instanceof model.ValidationError) return error.issues;
    throw error;
  }
  return [];
}

const sites = (more: Record<string, unknown>): unknown => spec({ sites: { home: site(0), ...more } as never });
const services = (more: Record<string, unknown>): unknown => spec({ services: more as never });
const host = (more: Record<string, unknown>): unknown =>
  sites({ home: site(0, { host: { address: "10.20.0.10", hostKeys: [HOST_KEY], ...more } as never }) });

describe("bad input is refused with path, rule, values and the way out", () => {
  test.each<[string, unknown, string, string, string[]]>([
    [
      "overlapping sites",
      sites({ cabin: site(1, { lan: ["10.20.1.0/24", "10.20.0.0/16"] }) }),
      "sites.cabin.lan[1]",
      "two prefixes overlap",
      ['sites.home.lan[0] "10.20.0.0/24"', 'sites.cabin.lan[1] "10.20.0.0/16"'],
    ],
    [
      "a LAN over a pool",
      sites({ cabin: site(1, { lan: ["10.20.1.0/24", "10.31.240.0/24"] }) }),
      "sites.cabin.lan[1]",
      "two prefixes overlap",
      ['pools.identities "10.31.240.0/20"', 'sites.cabin.lan[1] "10.31.240.0/24"'],
    ],
    [
      "a LAN outside the space that takes part",
      sites({ cabin: site(1, { lan: ["10.20.1.0/24", "10.99.0.0/24"], router: "static" }) }),
      "sites.cabin.lan[1]",
      "must lie inside the space",
      ['"10.99.0.0/24"', 'space.v4 "10.16.0.0/12"'],
    ],
    [
      "a LAN around the space, of a host alone",
      sites({ cabin: site(1, { lan: ["10.20.1.0/24", "10.0.0.0/8"] }) }),
      "sites.cabin.lan[1]",
      "must lie inside the space",
      ['"10.0.0.0/8"', 'space.v4 "10.16.0.0/12"'],
    ],
    [
      "two hosts at one address, both to be reached there",
      sites({ cabin: site(0, BESIDE), attic: site(0, BESIDE) }),
      "sites.attic.host.address",
      "two hosts that are reached at the same address",
      ['sites.cabin.host.address "192.168.178.20"', 'sites.attic.host.address "192.168.178.20"'],
    ],
    [
      "overlapping pools",
      spec({ pools: { identities: "10.17.0.0/24", devices: "10.17.0.0/25" } }),
      "pools.devices",
      "two prefixes overlap",
      ['pools.identities "10.17.0.0/24"', 'pools.devices "10.17.0.0/25"'],
    ],
    [
      "a pool outside the space",
      spec({ pools: { devices: "10.0.0.0/24" } }),
      "pools.devices",
      "must lie inside the space",
      ['"10.0.0.0/24"', 'space.v4 "10.16.0.0/12"'],
    ],
    [
      "a pool of two addresses",
      spec({ pools: { devices: "10.17.0.0/31" } }),
      "pools.devices",
      "at least 8 addresses",
      ['"10.17.0.0/31"'],
    ],
    [
      "a site called vps",
      sites({ vps: site(1) }),
      "sites.vps",
      "the name is taken",
      ['"vps" names the sinkhole\'s host', "sites.vps"],
    ],
    [
      "a site called devices",
      sites({ devices: site(1) }),
      "sites.devices",
      "the name is taken",
      ['"devices" names the devices\' tunnel', "sites.devices"],
    ],
    ["a site with an impossible name", sites({ "ca bin": site(1) }), "sites.ca bin", "one DNS label", ['"ca bin"']],
    [
      "services equal but for case",
      services({ wiki: { at: "home", port: 1 }, WIKI: { at: "home", port: 2 } }),
      "services.WIKI",
      "the same name",
      ["services.wiki: wiki", "services.WIKI: wiki"],
    ],
    [
      "a device named like a site",
      spec({ devices: { home: {} } }),
      "devices.home",
      "a host's name",
      ['"home" names the host of sites.home', "devices.home"],
    ],
    [
      "a device named vps",
      spec({ devices: { vps: {} } }),
      "devices.vps",
      "a host's name",
      ['"vps" names the sinkhole\'s host', "devices.vps"],
    ],
    [
      "a service on an unknown host",
      services({ wiki: { at: "cabin", port: 80 } }),
      "services.wiki.at",
      "must run at a site",
      ['"cabin"', 'sites are "home"'],
    ],
    [
      "a service on the sinkhole",
      services({ wiki: { at: "vps", port: 80 } }),
      "services.wiki.at",
      "must run at a site",
      ['"vps"', 'sites are "home"'],
    ],
    [
      "a service on an unlisted host",
      services({ wiki: { at: { address: "10.20.9.9", hostKeys: [HOST_KEY] }, port: 80 } }),
      "services.wiki.at",
      "must run at a site",
      ['a host at "10.20.9.9"', 'sites are "home"'],
    ],
    ["an invalid domain", spec({ domain: "Intranet.example" }), "domain", "must be a domain", ['"Intranet.example"']],
    ["a domain of one label", spec({ domain: "intranet" }), "domain", "must be a domain", ['"intranet"']],
    [
      "a bad host key",
      host({ hostKeys: ["ssh-ed25519 AAAA"] }),
      "sites.home.host.hostKeys[0]",
      "OpenSSH public key",
      ['"ssh-ed25519 AAAA"'],
    ],
    ["no host key", host({ hostKeys: [] }), "sites.home.host.hostKeys", "must be pinned", ["an empty list"]],
    ["port 0", services({ wiki: { at: "home", port: 0 } }), "services.wiki.port", "1 to 65535", ["0"]],
    ["port 65536", services({ wiki: { at: "home", port: 65536 } }), "services.wiki.port", "1 to 65535", ["65536"]],
    ["port 80.5", services({ wiki: { at: "home", port: 80.5 } }), "services.wiki.port", "1 to 65535", ["80.5"]],
    ["an SSH port out of range", host({ port: 70000 }), "sites.home.host.port", "1 to 65535", ["70000"]],
    [
      "two services on one port",
      services({ a: { at: "home", port: 80 }, b: { at: "home", port: 80 } }),
      "services.b.port",
      "the same port of the same host",
      ["services.a.port: home port 80", "services.b.port: home port 80"],
    ],
    [
      "an address outside its site",
      host({ address: "10.20.1.10" }),
      "sites.home.host.address",
      "inside one of its site's LAN prefixes",
      ['"10.20.1.10"', 'lan "10.20.0.0/24"'],
    ],
    [
      "a LAN's broadcast address",
      host({ address: "10.20.0.255" }),
      "sites.home.host.address",
      "belong to no host",
      ['"10.20.0.255"', '"10.20.0.0/24"'],
    ],
    [
      "a name for an address",
      host({ address: "home.example" }),
      "sites.home.host.address",
      "must be an IPv4 or IPv6 address",
      ['"home.example"'],
    ],
    ["an account with a space", host({ user: "ro ot" }), "sites.home.host.user", "account's name", ['"ro ot"']],
    [
      "a public space",
      spec({ space: { v4: "8.0.0.0/12" }, sites: {}, services: {} }),
      "space.v4",
      "must be private",
      ['"8.0.0.0/12"'],
    ],
    [
      "a space that is too small",
      spec({ space: { v4: "10.0.0.0/25" } }),
      "space.v4",
      "a length from 8 to 24",
      ['"10.0.0.0/25"'],
    ],
    [
      "a space with host bits",
      spec({ space: { v4: "10.16.0.1/12" } }),
      "space.v4",
      "no bits set after its length",
      ['"10.16.0.1/12"'],
    ],
    [
      "an IPv6 space that is link-local",
      spec({ space: { v4: "10.16.0.0/12", v6: "fe80::/48" } }),
      "space.v6",
      "unique local",
      ['"fe80::/48"'],
    ],
    [
      "management from nowhere",
      spec({ sinkhole: { ...spec().sinkhole, management: { from: [] } } }),
      "sinkhole.management.from",
      "somebody must be able to log in",
      ["an empty list"],
    ],
    [
      "management from an address",
      spec({ sinkhole: { ...spec().sinkhole, management: { from: ["198.51.100.7"] } } }),
      "sinkhole.management.from[0]",
      "CIDR notation",
      ['"198.51.100.7"'],
    ],
    [
      "an MTU too small for IPv6",
      sites({ home: site(0, { underlayMtu: 1300 }) }),
      "sites.home.underlayMtu",
      "from 1360",
      ["1300"],
    ],
    [
      "two ids that are the same",
      sites({ home: site(0, { id: 7 }), cabin: site(1, { id: 7 }) }),
      "sites.cabin.id",
      "the same number",
      ['"home" (by sites.home.id) has 7', '"cabin" (by sites.cabin.id) has 7'],
    ],
    [
      "an id out of range",
      spec({ devices: { laptop: { id: 5000 } } }),
      "devices.laptop.id",
      "from 2 to 4094",
      ["5000"],
    ],
    [
      "a misspelt field",
      services({ blog: { at: "home", port: 80, audiance: "internet" } }),
      "services.blog.audiance",
      "is not known here",
      ['"internet"'],
    ],
    ["a missing field", services({ blog: { at: "home" } }), "services.blog.port", "must be a number", ["nothing"]],
    [
      "a port as text",
      services({ blog: { at: "home", port: "80" } }),
      "services.blog.port",
      "must be a number",
      ['"80"'],
    ],
    ["no description at all", undefined, "domain", "must be a string", ["nothing"]],
    ["a list for a map", spec({ sites: [] as never, services: {} }), "sites", "a map from names", ["[]"]],
    [
      "a key version of zero",
      spec({ devices: { laptop: { keyVersion: 0 } } }),
      "devices.laptop.keyVersion",
      "whole number from 1",
      ["0"],
    ],
    [
      "a beginning of names that is none",
      spec({ sinkhole: { ...spec().sinkhole, namePrefix: "Home_" } }),
      "sinkhole.namePrefix",
      "one DNS label of at most 40 characters",
      ['"Home_"'],
    ],
    [
      "a server type that is none",
      spec({ sinkhole: { ...spec().sinkhole, serverType: "CX 23" } }),
      "sinkhole.serverType",
      "Hetzner's console",
      ['"CX 23"'],
    ],
  ])("%s", (_case, description, path, rule, values) => {
    const issue = issuesOf(description).find((found) => found.path === path && found.rule.includes(rule));
    expect(issue).toBeDefined();
    expect(issue!.values).toEqual(values);
    expect(issue!.help).not.toBe("");
  });

  test("a description without a mistake has no issue", () => expect(issuesOf(spec())).toEqual([]));

  test("all problems are shown at once, in the message too", () => {
    const bad = spec({
      domain: "x",
      sites: { vps: site(0), cabin: site(1, { host: { address: "10.20.7.1", hostKeys: ["bad"] } }) },
      services: { wiki: { at: "nowhere", port: 0 } },
      dns: { at: ["cabin"] },
      certificateAuthority: { at: "cabin" },
    });
    const issues = issuesOf(bad);
    expect(issues.map((issue) => issue.path)).toEqual([
      "domain",
      "sites.vps",
      "sites.cabin.host.hostKeys[0]",
      "sites.cabin.host.address",
      "services.wiki.port",
      "services.wiki.at",
    ]);
    expect(() => model.planIntranet("home", bad)).toThrow(
      /6 problems, nothing was changed[^]*sites\.vps[^]*→ rename the site/,
    );
  });

  test("a service is not blamed for a site that is ill shaped", () => {
    const issues = issuesOf(sites({ home: { ...site(0), router: "bridge" } }));
    expect(issues.map((issue) => issue.path)).toEqual(["sites.home.router"]);
  });

  test("a private key is not printed", () => {
    const issues = issuesOf(host({ hostKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n"] }));
    expect(JSON.stringify(issues)).not.toContain("c2VjcmV0");
    expect(issues[0]!.help).toContain("PRIVATE");
  });

  test("a link to itself is refused", () => {
    const issues = new model.Issues();
    model.checkLinkEnds("home", "home", "b.host", issues);
    expect(issues.list()[0]).toMatchObject({ path: "b.host", values: ['a.host "home"', 'b.host "home"'] });
  });
});
