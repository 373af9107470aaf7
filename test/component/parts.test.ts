/** Each component alone: what its constructor refuses, all problems at once and before anything is registered. */
import * as components from "../../components";
import * as host from "../../host";
import { ValidationError } from "../../model";
import { HOST_KEY } from "../unit/model/fixtures";
import { publicKeyOf, registered, settled, startMocks } from "./mocks";

const connection = { address: "10.20.0.10", hostKeys: [HOST_KEY] };
const space = { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" };
const source = { v4: "10.31.240.1", v6: "fd00:1:2:ffff::1" };
const end = {
  connection,
  host: "vps",
  interface: "wg-home",
  v4: "169.254.1.0",
  v6: "fe80::a",
  routes: ["10.20.0.10/32"],
  source,
};
const other = { ...end, host: "home", interface: "wg-vps", v4: "169.254.1.1", v6: "fe80::b" };
const endpoint = { address: "198.51.100.1", port: 61000 };
const tunnel = { interface: "wg-home", neighbour: "home", secret: "sixteen letters!" };
const routing = { connection, routerId: source.v4, identity: source, space, announce: [], interfaces: [tunnel] };
const devices = {
  connection,
  interface: "wg-devices",
  listenPort: 51820,
  address: { v4: "10.31.224.1", v6: "fd00:1:2:fffe::1" },
  pool: { v4: "10.31.224.0/20", v6: "fd00:1:2:fffe::/64" },
  devices: [],
};
const laptop = { name: "laptop", publicKey: publicKeyOf("laptop"), v4: "10.31.224.2", v6: "fd00:1:2:fffe::2" };
const hub = { publicKey: publicKeyOf("hub"), address: "198.51.100.1", port: 51820 };
const warrior = { device: "laptop", v4: laptop.v4, v6: laptop.v6, hub, allowedPrefixes: [space.v4] };
const names = { zone: "example.net", domain: "intranet.example.net", ipv4: "198.51.100.1", ipv6: "2001:db8::1" };
const sinkhole = {
  domain: "intranet.example",
  space,
  identity: source,
  location: "fsn1",
  serverType: "cx23",
  image: "debian-13",
  management: { from: ["198.51.100.7/32"] },
  sshPublicKeys: [HOST_KEY],
  udpPorts: [51820],
};

type Make = (parts: typeof components) => unknown;

async function attempt(make: Make): Promise<unknown> {
  await startMocks();
  try {
    make(components);
  } catch (error) {
    await settled();
    return error;
  }
  await settled();
  return undefined;
}

const key = (): host.WireGuardKey => new host.WireGuardKey("hub-key", { keyVersion: 1 });

describe("bad arguments", () => {
  test.each<[string, Make, string[]]>([
    [
      "a link to itself",
      ({ WireGuardLink }) =>
        new WireGuardLink("l", { a: { ...end, endpoint }, b: { ...other, host: "vps" }, mtu: 1420 }),
      ["b.host"],
    ],
    [
      "a link with one address twice",
      ({ WireGuardLink }) =>
        new WireGuardLink("l", { a: { ...end, endpoint }, b: { ...other, v4: end.v4 }, mtu: 1420 }),
      ["b.v4"],
    ],
    [
      "a link that nobody can reach",
      ({ WireGuardLink }) => new WireGuardLink("l", { a: end, b: other, mtu: 1420 }),
      ["a.endpoint"],
    ],
    [
      "a link over nothing",
      ({ WireGuardLink }) =>
        new WireGuardLink("l", {
          a: { ...end, endpoint, interface: "eth0", v6: "fd00::1", routes: ["10.0.0.1/8"] },
          b: other,
          mtu: 1000,
          keyVersion: 0,
        }),
      ["a.interface", "a.v6", "a.routes[0]", "mtu", "keyVersion"],
    ],
    [
      "a device outside the pool",
      ({ DeviceHub }) => new DeviceHub("d", { ...devices, key: key(), devices: [{ ...laptop, v4: "10.20.0.1" }] }),
      ["devices[0].v4"],
    ],
    [
      "two devices with one address",
      ({ DeviceHub }) =>
        new DeviceHub("d", { ...devices, key: key(), devices: [laptop, { ...laptop, name: "phone" }] }),
      ["devices[1].v4", "devices[1].v6"],
    ],
    [
      "a device with the hub's address",
      ({ DeviceHub }) =>
        new DeviceHub("d", { ...devices, key: key(), devices: [{ ...laptop, v4: devices.address.v4 }] }),
      ["devices[0].v4"],
    ],
    [
      "a device without a way",
      ({ RoadWarrior }) =>
        new RoadWarrior("r", {
          ...warrior,
          allowedPrefixes: [],
          dns: ["resolver"],
          mtu: 500,
          hub: { ...hub, port: 0 },
        }),
      ["hub.port", "allowedPrefixes", "dns[0]", "mtu"],
    ],
    [
      "an identity outside the space",
      ({ HostIdentity }) =>
        new HostIdentity("i", { connection, v4: "192.168.0.1", v6: source.v6, space, forwarding: "none" }),
      ["v4"],
    ],
    [
      "answers to nobody, at no port",
      ({ HostIdentity }) =>
        new HostIdentity("i", {
          connection,
          ...source,
          space,
          forwarding: "none",
          answers: { tcp: [0], udp: [65536], management: { port: 0, from: ["192.168.0.0/24", "10.31.240.1"] } },
        }),
      [
        "answers.tcp[0]",
        "answers.udp[0]",
        "answers.management.port",
        "answers.management.from[0]",
        "answers.management.from[1]",
      ],
    ],
    [
      "answers of a firewall that the caller brings",
      ({ HostIdentity }) =>
        new HostIdentity("i", {
          connection,
          ...source,
          space,
          forwarding: "none",
          firewall: "own",
          answers: { tcp: [], udp: [], management: { port: 22, from: [] } },
        }),
      ["answers"],
    ],
    [
      "owners of what is another's, by ways that are none",
      ({ Ospf }) => {
        const owner = { routerId: "10.31.240.9", prefixes: ["10.21.0.0/24"], ways: ["wg-nowhere"] };
        const owners = {
          attic: owner,
          "the barn": { ...owner, prefixes: ["10.21.0.0/24", "192.168.0.0/24"], ways: [] },
        };
        return new Ospf("o", { ...routing, owners, public: { network: "2001:db8:1::/64", side: "site", hub: "vps" } });
      },
      [
        "owners.attic.ways[0]",
        "owners.the barn",
        "owners.the barn.routerId",
        "owners.the barn.prefixes[0]",
        "owners.the barn.prefixes[1]",
        "public.hub",
      ],
    ],
    [
      "routing outside the space",
      ({ Ospf }) =>
        new Ospf("o", {
          ...routing,
          routerId: "0.0.0.0",
          identity: { ...source, v6: "2001:db8::1" },
          announce: ["10.20.0.0/24", "10.20.0.0/24", "192.168.0.0/24", "10.16.0.0/12", "10.31.240.1/32"],
          bfd: { intervalMs: 1, multiplier: 1.5 },
        }),
      [
        "routerId",
        "identity.v6",
        "announce[1]",
        "announce[2]",
        "announce[3]",
        "announce[4]",
        "bfd.intervalMs",
        "bfd.multiplier",
      ],
    ],
    [
      "routing in two areas without the backbone",
      ({ Ospf }) =>
        new Ospf("o", {
          ...routing,
          interfaces: [
            { ...tunnel, area: 1 },
            { ...tunnel, area: 2, cost: 0 },
            { ...tunnel, interface: "eth0", neighbour: "-", area: -1 },
          ],
        }),
      [
        "interfaces[1].interface",
        "interfaces[1].cost",
        "interfaces[2].interface",
        "interfaces[2].neighbour",
        "interfaces[2].area",
        "interfaces",
      ],
    ],
    [
      "a proxy on every address",
      ({ ReverseProxy }) => new ReverseProxy("p", { connection, sites: [], listen: ["0.0.0.0", "::", "eth0"] }),
      ["listen[0]", "listen[1]", "listen[2]"],
    ],
    [
      "an application that is not on the loopback",
      ({ ReverseProxy }) =>
        new ReverseProxy("p", {
          connection,
          listen: ["10.31.240.1"],
          sites: [
            { hostname: ["a.example"], upstream: "10.0.0.1:80" },
            { hostname: ["a.example"], upstream: "127.0.0.1:99999" },
          ],
        }),
      ["sites[0].upstream", "sites[1].hostname[0]", "sites[1].upstream"],
    ],
    [
      "public certificates that nobody gives, and an address for what has none",
      ({ ReverseProxy }) =>
        new ReverseProxy("p", {
          connection,
          listen: ["10.31.240.1"],
          sites: [
            { hostname: ["a.example"], upstream: "127.0.0.1:80", authority: "public", listen: ["198.51.100.1"] },
            { hostname: ["b.example"], upstream: "127.0.0.1:81", listen: ["2001:db8::7"] },
            { hostname: ["c.example"], upstream: "127.0.0.1:82", authority: "everybody" as "public" },
          ],
        }),
      ["sites[0].authority", "sites[0].listen[0]", "sites[1].listen", "sites[2].authority"],
    ],
    [
      "a public authority that is none",
      ({ ReverseProxy }) =>
        new ReverseProxy("p", {
          ...{ connection, listen: ["10.31.240.1"], sites: [] },
          publicCertificates: { directory: "http://a.example", rootCertificate: "x", email: "me {\n}" },
        }),
      ["publicCertificates.directory", "publicCertificates.rootCertificate", "publicCertificates.email"],
    ],
    [
      "a domain outside its zone",
      ({ PublicDns }) =>
        new PublicDns("n", { ...names, domain: "intranet.example.org", ttl: 5, caa: ["let's encrypt"] }),
      ["domain", "caa[0]", "ttl"],
    ],
    [
      "services that are not below the domain, or have one name",
      ({ PublicDns }) =>
        new PublicDns("n", {
          ...names,
          issuer: "let's encrypt",
          services: [
            { name: "a.b.intranet.example.net", ipv6: "198.51.100.1" },
            { name: "blog.intranet.example.net", ipv6: "2001:db8::7" },
            { name: "blog.intranet.example.net", ipv6: "2001:db8::8" },
            { name: "intranet.example.net", ipv6: "2001:db8::9" },
          ],
        }),
      ["services[0].ipv6", "services[0].name", "services[2].name", "services[3].name", "issuer"],
    ],
    [
      "reverse names that are none",
      ({ ReverseDns }) =>
        new ReverseDns("r", {
          primaryIpId: 42,
          names: [
            { name: "blog", hostname: "blog", address: "198.51.100.1" },
            { name: "blog", hostname: "blog.example", address: "2001:db8::7" },
            { name: "Wiki", hostname: "wiki.example", address: "2001:db8::7" },
          ],
        }),
      ["names[0].hostname", "names[0].address", "names[1].name", "names[2].name", "names[2].address"],
    ],
    [
      "a sinkhole that nobody can log in to",
      ({ Sinkhole }) =>
        new Sinkhole("s", { ...sinkhole, sshPublicKeys: [], management: { from: [] }, udpPorts: [70000], domain: "x" }),
      ["domain", "management.from", "sshPublicKeys", "udpPorts[0]"],
    ],
    [
      "a sinkhole that publishes nonsense",
      ({ Sinkhole }) => {
        const wiki = { name: "wiki", place: { site: 2, service: 1 }, ports: [443], guestPorts: [443] };
        const mail = { name: "Mail", place: { site: 0, service: 70000 }, ports: [], guestPorts: [22, 70000] };
        const other = { delivery: "by-pigeon" as "routed", webServer: "another" as "own" };
        return new Sinkhole("s", { ...sinkhole, ...other, published: [wiki, wiki, mail] });
      },
      [
        "webServer",
        "delivery",
        "published[1].name",
        "published[1].place",
        "published[2].name",
        "published[2].place.site",
        "published[2].place.service",
        "published[2].ports",
        "published[2].guestPorts[1]",
        "published[2].guestPorts[0]",
      ],
    ],
    [
      "guests for nobody",
      ({ SniProxy }) => {
        const wiki = { hostname: "wiki.intranet.example", address: "2001:db8::7", ports: [443], web: true };
        const binary = { path: "snid", url: "http://example.net/snid", sha256: "AB" };
        const services = [
          wiki,
          wiki,
          { ...wiki, hostname: "wiki.example", address: "198.51.100.1", ports: [22, 993, 993, 0] },
          { ...wiki, hostname: "intranet.example", ports: [], web: false },
        ];
        const engine = { kind: "snid" as const, binary };
        return new SniProxy("g", { connection, domain: "intranet.example", services, engine });
      },
      [
        "services[1].hostname",
        "services[2].hostname",
        "services[2].address",
        "services[2].ports[0]",
        "services[2].ports[2]",
        "services[2].ports[3]",
        "services[3].hostname",
        "services[3].ports",
        "engine.binary.path",
        "engine.binary.url",
        "engine.binary.sha256",
      ],
    ],
  ])("%s", async (_case, make, paths) => {
    const error = await attempt(make);
    expect(error).toBeInstanceOf(ValidationError);
    expect((error as ValidationError).issues.map((issue) => issue.path)).toEqual(paths);
    expect(registered.filter((resource) => resource.type.startsWith("intranet:"))).toEqual([]);
  });
});

describe("good arguments", () => {
  test("each component can be made alone", async () => {
    const error = await attempt(
      ({ WireGuardLink, DeviceHub, RoadWarrior, HostIdentity, Ospf, ReverseProxy, PublicDns, Sinkhole }) => {
        new WireGuardLink("l", { a: { ...end, endpoint }, b: other, mtu: 1420 });
        new DeviceHub("d", { ...devices, connection: { ...connection }, key: key(), devices: [laptop] });
        new RoadWarrior("r", warrior);
        new HostIdentity("i", { connection: { ...connection }, ...source, space, forwarding: "transit" });
        new Ospf("o", { ...routing, connection: { ...connection } });
        new ReverseProxy("p", { connection: { ...connection }, sites: [], listen: ["10.31.240.1"] });
        new PublicDns("n", names);
        new Sinkhole("s", sinkhole);
      },
    );
    expect(error).toBeUndefined();
    expect(
      registered.filter((resource) => resource.type.startsWith("intranet:")).map((resource) => resource.type),
    ).toEqual([
      "intranet:wireguard:WireGuardLink",
      "intranet:wireguard:DeviceHub",
      "intranet:road-warrior:RoadWarrior",
      "intranet:host-identity:HostIdentity",
      "intranet:ospf:Ospf",
      "intranet:reverse-proxy:ReverseProxy",
      "intranet:public-dns:PublicDns",
      "intranet:sinkhole:Sinkhole",
      "intranet:host-identity:HostIdentity",
    ]);
  });
});

test("names at Hetzner begin with what is asked for, so that two sinkholes fit in one project; nothing else does", async () => {
  const names = async (namePrefix?: string) => {
    await startMocks();
    new components.Sinkhole("s", { ...sinkhole, ...(namePrefix === undefined ? {} : { namePrefix }) });
    await settled();
    const made = registered.filter(({ type }) => /^hcloud:.*(Server|Firewall|PrimaryIp)$/.test(type));
    const reverse = registered.filter(({ type }) => type.endsWith("Rdns")).map(({ inputs }) => inputs["dnsPtr"]);
    return [made.map(({ inputs }) => inputs["name"]).sort(), new Set(reverse)];
  };
  const reverse = new Set(["vps.intranet.example"]);
  const plain = ["vps", "vps-firewall", "vps-ipv4", "vps-ipv6"];
  expect(await names()).toEqual([plain, reverse]);
  expect(await names("home")).toEqual([plain.map((name) => `home-${name}`), reverse]);
});
