/** The names of the inside: what the servers and the hosts that ask them get, also when one of them comes later. */
import type * as pulumi from "@pulumi/pulumi";
import { InternalDns, Resolver, type InternalDnsArgs } from "../../components";
import { ValidationError } from "../../model";
import { HOST_KEY } from "../unit/model/fixtures";
import { named, ofType, registered, settled, startMocks, TYPES } from "./mocks";

const server = (name: string, number: number): InternalDnsArgs["servers"][number] => {
  const identity = { v4: `10.31.240.${number}`, v6: `fd00:1:2:ffff::${number}` };
  const connection = { address: `10.20.0.${number}`, hostKeys: [HOST_KEY] };
  return { connection, name, identity, listen: Object.values(identity) };
};
const args = (more: Partial<InternalDnsArgs> = {}): InternalDnsArgs => ({
  domain: "intranet.example",
  space: { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" },
  servers: [server("home", 2), server("cabin", 3)],
  records: [{ name: "nextcloud", type: "A", data: "10.31.240.2" }],
  reverse: [],
  ...more,
});

/** A host that somebody has to bring in first. */
function late(): { host: InternalDnsArgs["servers"][number]; arrive: () => void } {
  let make: ((after: pulumi.Resource[]) => void) | undefined;
  const host = server("cabin", 3);
  host.whenReady = (then) => (make = then);
  return { host, arrive: () => make!([]) };
}

beforeEach(() => startMocks());

test("both servers have their role, the key is made once and the resolvers are named by family", async () => {
  const dns = new InternalDns("dns", args());
  await settled();
  expect(dns.resolvers).toEqual(["10.31.240.2", "10.31.240.3", "fd00:1:2:ffff::2", "fd00:1:2:ffff::3"]);
  expect(dns.dhcp).toMatch(/option 6\)\s+10\.31\.240\.2, 10\.31\.240\.3\n/);
  expect(ofType(TYPES.role).map(({ name }) => name)).toEqual(["dns-home", "dns-cabin"]);
  expect(dns.ready).toHaveLength(2);
  expect(registered.filter(({ name }) => name === "dns-transfer-key")).toHaveLength(1);
  expect(JSON.stringify(named("dns-cabin").inputs)).not.toContain("nextcloud");
});

test("a server that comes later changes nothing on the first one, which knows it from the start", async () => {
  const { host, arrive } = late();
  const dns = new InternalDns("dns", args({ servers: [server("home", 2), host] }));
  await settled();
  expect(ofType(TYPES.role).map(({ name }) => name)).toEqual(["dns-home"]);
  const before = JSON.stringify(named("dns-home").inputs);
  expect(before).toContain("also-notify { 10.31.240.3 ");
  arrive();
  await settled();
  expect(ofType(TYPES.role).map(({ name }) => name)).toEqual(["dns-home", "dns-cabin"]);
  expect(dns.ready).toHaveLength(2);
});

test("a secondary does not wait for a primary that is still to come", async () => {
  const { host, arrive } = late();
  new InternalDns("dns", args({ servers: [host, server("home", 2)] }));
  await settled();
  expect(ofType(TYPES.role).map(({ name }) => name)).toEqual(["dns-home"]);
  arrive();
  await settled();
  expect(ofType(TYPES.role).map(({ name }) => name)).toEqual(["dns-home", "dns-cabin"]);
});

test("a host that asks them gets the servers and the doctor; another name changes it not", async () => {
  const { resolvers, doctor } = new InternalDns("dns", args());
  const more = new InternalDns("more", args({ records: [] }));
  expect([more.resolvers, more.doctor]).toEqual([resolvers, doctor]);
  const resolver = new Resolver("vps", { ...server("vps", 1), servers: resolvers, domain: "intranet.example", doctor });
  await settled();
  expect(resolver.ready).toHaveLength(1);
  expect(JSON.stringify(named("vps-names").inputs)).toContain(`DNS=${resolvers.join(" ")}\\n`);
});

test("a resolver without a server, a domain or a doctor is refused before anything is registered", async () => {
  const wrong = { ...server("vps", 1), servers: ["resolver"], domain: "x", doctor: "" };
  expect(() => new Resolver("vps", wrong)).toThrow(ValidationError);
  expect(() => new Resolver("vps", { ...wrong, servers: [] })).toThrow(/servers: the host needs a server/);
  await settled();
  expect(registered).toEqual([]);
});
