/**
 * Which roles of an intranet are undone by their host unless a new connection gets in: all that could cut the way in.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HostIdentity, Intranet, PolicyRoute, Sinkhole, SitePrefix, SniProxy } from "../../components";
import type { RoleInputs } from "../../host/resource/inputs";
import { touchesWayIn } from "../../host/resource/way-in";
import { HOST_KEY, site, spec } from "../unit/model/fixtures";
import { ofType, settled, startMocks, TYPES, world } from "./mocks";

jest.setTimeout(60_000);

const COMPONENTS = join(__dirname, "../../components");

/** The kinds of roles: what stands for an interface is left out of the name. */
const kind = (name: string): string => name.replace(/^tunnel-wg-.*$/, "tunnel-…");

/** Roles by kind. A new one has to be put in one of the two lists, by somebody who has thought about it. */
const CONFIRMED = [
  "intranet-firewall",
  "intranet-identity",
  "intranet-ssh",
  "intranet-uplink",
  "ospf",
  "policy-route",
  "sinkhole-firewall",
  "sinkhole-identity",
  "sinkhole-limits",
  "sinkhole-ssh",
  "site-prefix",
  "sni-proxy",
  "tunnel-…",
];
const HARMLESS = [
  "certificate-authority",
  "certificate-authority-page",
  "internal-dns",
  "resolver",
  "reverse-proxy",
  "sinkhole-certificate",
  "sinkhole-delivery",
  "sinkhole-page",
  "trust-anchor",
];

let roles: RoleInputs[];
beforeAll(async () => {
  await startMocks();
  world.enrolled = true;
  const sites = { home: site(0), cabin: site(1, { host: { address: "10.20.1.10", enrol: true } }) };
  new Intranet("home", { ...spec(), sites, sshPublicKeys: [HOST_KEY] });
  const connection = { address: "10.20.0.10", hostKeys: [HOST_KEY] };
  const space = { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" };
  const router = { v4: "10.31.240.9", v6: "fd00:1:2:ffff::9", space, forwarding: "lan" } as const;
  new HostIdentity("router", { connection: { address: "10.20.9.10", hostKeys: [HOST_KEY] }, ...router });
  new PolicyRoute("alone", { connection, network: "2001:db8:1::/64" });
  new Sinkhole("public", {
    ...spec().sinkhole,
    domain: "public.example",
    space: { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" },
    identity: { v4: "10.31.240.1", v6: "fd00:1:2:ffff::1" },
    sshPublicKeys: [HOST_KEY],
    udpPorts: [],
    webServer: "own",
    published: [{ name: "wiki", place: { site: 2, service: 1 }, ports: [443], guestPorts: [443] }],
    delivery: "on-link",
  });
  new SniProxy("guests", {
    connection: { address: "10.20.9.10", hostKeys: [HOST_KEY] },
    domain: "public.example",
    services: [{ hostname: "wiki.public.example", address: "2001:db8:1:0:2::1", ports: [443], web: true }],
  });
  const services = [{ name: "wiki", address: "2001:db8:1:0:1::5", ports: [443] }];
  new SitePrefix("alone", { connection, space: { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" }, services });
  await settled();
  roles = ofType(TYPES.role).map(({ inputs }) => inputs as unknown as RoleInputs);
});

test("every role that could cut the way in is confirmed, and no other pays for it", () => {
  const kinds = (confirmed: boolean): string[] =>
    [...new Set(roles.filter((role) => (role.confirm === true) === confirmed).map(({ role }) => kind(role)))].sort();
  expect(kinds(true)).toEqual(CONFIRMED);
  expect(kinds(false)).toEqual(HARMLESS);
});

test("what the host layer knows of the way in is confirmed in every role that touches it", () => {
  const touching = roles.filter((role) => touchesWayIn(role) !== undefined);
  expect(new Set(touching.map(({ role }) => kind(role)))).toEqual(new Set(CONFIRMED));
  expect(touching.filter(({ confirm }) => confirm !== true)).toEqual([]);
});

test("the lists hold every role that components can make", () => {
  const sources = readdirSync(COMPONENTS, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const text = sources.map((name) => readFileSync(join(COMPONENTS, name), "utf8")).join("\n");
  const named = [...text.matchAll(/^ {2,4}role: (["`])(.*)\1,$/gm)].map(([, , name]) => name!);
  const literal = named.filter((name) => !name.includes("${"));
  expect(literal.length).toBeGreaterThan(8);
  expect(literal.filter((name) => ![...CONFIRMED, ...HARMLESS].includes(name))).toEqual([]);
});
