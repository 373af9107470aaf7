/** What waits for what between hosts, of which some are brought in by a script. */
import type * as pulumi from "@pulumi/pulumi";
import { Intranet } from "../../components";
import { HOST_KEY, site, spec } from "../unit/model/fixtures";
import { registered, settled, startMocks, TYPES, valueOf, world } from "./mocks";

jest.setTimeout(30_000); // on a busy machine

const endpoint = { address: "198.51.100.160", port: 61999, sparePort: 61998 };
/** The two last sites are brought in by a script. */
const sites = {
  home: site(0),
  cabin: site(1, { host: { address: "10.20.1.10", enrol: true } }),
  office: site(2, { host: { address: "10.20.2.10", enrol: true } }),
};
const options = new Map<string, pulumi.CustomResourceOptions>();

/** The roles that are made, in their order. */
async function roles(enrolled: boolean | undefined, preview = false): Promise<string[]> {
  await startMocks(preview);
  world.enrolled = enrolled as boolean;
  options.clear();
  const note: pulumi.ResourceTransformation = ({ name, opts }) => void options.set(name, opts);
  const links = [{ from: "cabin", to: "office", endpoint, keyVersion: 2 }];
  const args = { ...spec({ sites, links }), sshPublicKeys: [HOST_KEY] };
  new Intranet("home", args, { transformations: [note] });
  await settled();
  return registered.filter(({ type }) => type === TYPES.role).map(({ name }) => name);
}
const OSPF = ["vps", "home", "cabin", "office"].map((host) => `home-ospf-${host}-bird`);

test("a host takes to a tunnel only when both ends are applied, and none stands in its state for that", async () => {
  const made = await roles(true);
  const order = (name: string): number => {
    expect(made).toContain(name);
    return made.indexOf(name);
  };
  const ends = ["home-link-home", "home-link-cabin", "home-link-office", "home-second-between-office-cabin"];
  const [hub, home, cabin, office] = OSPF.map(order) as [number, number, number, number];
  for (const end of ends.slice(0, 3)) expect(Math.max(order(`${end}-a`), order(`${end}-b`))).toBeLessThan(hub);
  for (const end of ["-a", "-b"]) expect(order(ends[3]! + end)).toBeLessThan(Math.min(cabin, office));
  for (const one of [home, cabin, office]) expect(hub).toBeLessThan(one);

  const given = (await options.get(OSPF[0]!)!.dependsOn) as pulumi.Resource[];
  const names = await Promise.all(given.map(async ({ urn }) => (await valueOf(urn)).value.split("::").pop()!));
  expect(names).toEqual(expect.arrayContaining(["home-link-home-a", "home-link-cabin-a", "home-link-office-a"]));
  expect(names.filter((name) => /(cabin|office)-(b|seen|ssh)$/.test(name))).toEqual([]);
});

test("nobody waits for a host that is not there yet", async () => {
  expect((await roles(false)).filter((name) => OSPF.includes(name))).toEqual(OSPF.slice(0, 2));
  expect((await roles(undefined, true)).filter((name) => OSPF.includes(name))).toEqual(OSPF.slice(0, 2));
});
