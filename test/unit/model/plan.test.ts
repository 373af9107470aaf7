import * as fc from "fast-check";
import * as model from "../../../model";
import { site, spec } from "./fixtures";

/** Networks of sites and devices with all numbers given, so that no name collides by chance. */
const networks = fc
  .record({
    sites: fc.uniqueArray(fc.stringMatching(/^s[a-z0-9]{0,8}$/), { minLength: 1, maxLength: 12 }),
    devices: fc.uniqueArray(fc.stringMatching(/^d[a-z0-9]{0,8}$/), { maxLength: 12 }),
  })
  .map(({ sites, devices }) =>
    spec({
      sites: Object.fromEntries(
        sites.map((name, index) => [name, site(index, { router: index % 2 === 0 ? "gateway" : "host-only" })]),
      ),
      devices: Object.fromEntries(devices.map((name) => [name, {}])),
      services: {},
      dns: undefined,
      certificateAuthority: undefined,
    }),
  );

/** The plan, or undefined where two names happen to hash to one number (which is an error by design). */
function planOf(description: model.IntranetSpec): model.IntranetPlan | undefined {
  try {
    return model.planIntranet("home", description);
  } catch (error) {
    if (error instanceof model.ValidationError && error.issues.every((issue) => issue.rule.includes("same number")))
      return undefined;
    throw error;
  }
}

describe("the plan", () => {
  test("of the small intranet is what it was", () => {
    const plan = model.planIntranet("home", spec());
    expect(plan).toMatchSnapshot();
  });

  test("is the same for the same description", () => {
    expect(model.planIntranet("home", spec())).toEqual(model.planIntranet("home", spec()));
  });

  test("gives every host, device and link end an address of its own, each in its pool", () => {
    fc.assert(
      fc.property(networks, (description) => {
        const plan = planOf(description);
        fc.pre(plan !== undefined);
        const space = { v4: model.parsePrefix(plan.space.v4)!, v6: model.parsePrefix(plan.space.v6)! };
        const owned = [
          ...Object.values(plan.hosts).map((host) => host.identity),
          ...Object.values(plan.devices),
          plan.deviceHub.address,
        ];
        for (const pair of owned) {
          expect(model.containsAddress(space.v4, model.parseAddress(pair.v4)!)).toBe(true);
          expect(model.containsAddress(space.v6, model.parseAddress(pair.v6)!)).toBe(true);
        }
        const ends = plan.links.flatMap((link) => [link.a.v4, link.b.v4]);
        const all = [...owned.flatMap((pair) => [pair.v4, pair.v6]), ...ends];
        expect(new Set(all).size).toBe(all.length);
        for (const end of ends) expect(end).toMatch(/^169\.254\.(?!0\.|169\.|255\.)/);
        const lans = Object.values(plan.sites).flatMap((entry) => entry.lan.map((text) => model.parsePrefix(text)!));
        for (const pair of owned)
          for (const lan of lans) expect(model.containsAddress(lan, model.parseAddress(pair.v4)!)).toBe(false);
      }),
    );
  });

  test("gives every tunnel of the hub a port and an interface of its own", () => {
    fc.assert(
      fc.property(networks, (description) => {
        const plan = planOf(description);
        fc.pre(plan !== undefined);
        const ports = [...plan.links.map((link) => link.a.listenPort!), plan.deviceHub.listenPort];
        const interfaces = [...plan.links.map((link) => link.a.interface), plan.deviceHub.interface];
        expect(new Set(ports).size).toBe(ports.length);
        expect(new Set(interfaces).size).toBe(interfaces.length);
        for (const port of ports) expect(port).toBeLessThanOrEqual(65535);
      }),
    );
  });

  test("stays as it was for all others when one site, device or service is added or removed", () => {
    fc.assert(
      fc.property(networks, (description) => {
        const larger = planOf({
          ...description,
          sites: { ...description.sites, extra: site(200) },
          devices: { another: {}, ...description.devices },
          services: { new: { at: "extra", port: 1 } },
          dns: { at: ["extra"] },
          certificateAuthority: { at: "extra" },
        });
        const smaller = planOf(description);
        fc.pre(larger !== undefined && smaller !== undefined);
        expect(larger.hosts).toMatchObject(smaller.hosts);
        expect(larger.devices).toMatchObject(smaller.devices);
        expect(larger.deviceHub).toEqual(smaller.deviceHub);
        expect(larger.links.filter((link) => link.name !== "vps-extra")).toEqual(smaller.links);
      }),
    );
  });

  test("leads straight to the other host through a tunnel, and says the rest by OSPF", () => {
    const plan = model.planIntranet("home", spec({ sites: { home: site(0), cabin: site(1, { router: "static" }) } }));
    const [home] = plan.links;
    const identity = (host: string) => [`${plan.hosts[host]!.identity.v4}/32`, `${plan.hosts[host]!.identity.v6}/128`];
    expect(home!.b.routes).toEqual(identity("vps"));
    expect(home!.a.routes).toEqual(identity("home"));
    expect(plan.ospf.home!.announce).toEqual(["10.20.0.10/32"]);
    expect(plan.ospf.cabin!.announce).toEqual(["10.20.1.0/24"]);
    expect(plan.ospf.vps!.announce).toEqual([plan.deviceHub.pool.v4, plan.deviceHub.pool.v6]);
    expect(plan.sites.cabin!.staticRoutes).toEqual([{ destination: "10.16.0.0/12", gateway: "10.20.1.10" }]);
    expect([plan.sites.home!.forwarding, plan.sites.cabin!.forwarding]).toEqual(["none", "lan"]);
  });

  test("joins sites by tunnels of their own, and takes the cost of the way to the hub", () => {
    const sites = { home: site(0), cabin: site(1), office: site(2, { underlayMtu: 1460 }) };
    const endpoint = { address: "198.51.100.160", port: 61999 };
    const links = [
      { from: "cabin", to: "office", endpoint, area: 7 },
      { from: "office", to: "vps", cost: 100 },
    ];
    const plan = model.planIntranet("home", spec({ sites, links }));
    expect(plan.links.map((link) => link.name)).toEqual(["vps-home", "vps-cabin", "vps-office", "office-cabin"]);
    const link = plan.links[3]!;
    expect(link).toMatchObject({ mtu: 1380, cost: 10, area: 7, endpoint });
    expect(link.a).toMatchObject({ host: "office", interface: "wg-cabin", listenPort: 61999 });
    expect(link.b).toMatchObject({ host: "cabin", interface: "wg-office" });
    expect(link.b.listenPort).toBeUndefined();
    expect(plan.ospf.office!.interfaces).toEqual([
      { interface: "wg-vps", spare: "wg-vps-b", link: "vps-office", area: 0, cost: 100, neighbour: "vps" },
      { interface: "wg-cabin", link: "office-cabin", area: 7, cost: 10, neighbour: "cabin" },
    ]);
    // Two tunnels: what comes by one may go on by the other, though the LAN has no part in it.
    expect([plan.sites.home!.forwarding, plan.sites.cabin!.forwarding]).toEqual(["none", "transit"]);
    // Another tunnel changes nothing of the others.
    expect(model.planIntranet("home", spec({ sites, links: links.slice(1) })).links).toEqual(plan.links.slice(0, 3));
  });

  test("gives the keys of each next version a tunnel of their own, beside the one before", () => {
    const sites = { home: site(0), cabin: site(1), office: site(2) };
    const endpoint = { address: "198.51.100.160", port: 61999, sparePort: 61998 };
    const planned = (
      keyVersion: number,
      ports = endpoint as NonNullable<model.LinkSpec["endpoint"]>,
      drained = false,
    ) => {
      const both = { keyVersion, drained };
      const links = [
        { from: "cabin", to: "office", endpoint: ports, ...both },
        { from: "home", to: "vps", ...both },
      ];
      return model.planIntranet("home", spec({ sites, links }));
    };
    const of = (plan: model.IntranetPlan, name: string) => plan.links.find((link) => link.name === name)!;
    const [first, second, third] = [1, 2, 3].map((version) => planned(version));
    for (const name of ["vps-home", "office-cabin"]) {
      const [one, two] = [of(first!, name), of(second!, name)];
      expect([one.slot, two.slot, of(third!, name).slot]).toEqual([1, 2, 1]);
      expect({ ...of(third!, name), keyVersion: 1 }).toEqual(one);
      // Nothing that the kernel or the network tells them by is the same, and all ports are open all the time.
      const marks = ({ a, b }: model.LinkPlan) => [a.interface, b.interface, a.v4, b.v4, a.listenPort];
      expect(marks(one).filter((mark) => marks(two).includes(mark))).toEqual([]);
      expect([one.ports, [one.a.listenPort, two.a.listenPort]]).toEqual([two.ports, two.ports]);
      expect([one.other, two.other]).toEqual([
        { a: two.a.interface, b: two.b.interface },
        { a: one.a.interface, b: one.b.interface },
      ]);
    }
    expect(of(second!, "vps-home").a.interface).toBe("wg-home-b");
    expect(of(second!, "office-cabin")).toMatchObject({ endpoint: { port: 61998 }, b: { interface: "wg-office-b" } });
    expect(second!.ospf.home!.interfaces).toEqual([
      { interface: "wg-vps-b", spare: "wg-vps", link: "vps-home", area: 0, cost: 10, neighbour: "vps" },
    ]);
    // The first version as well, for whoever goes back to it.
    for (const plan of [first, third])
      expect(plan!.ospf.home!.interfaces[0]).toMatchObject({ interface: "wg-vps", spare: "wg-vps-b" });
    expect(of(planned(1, endpoint, true), "vps-home").cost).toBe(model.DRAINED_COST);
    // With one port there is one tunnel.
    const { sparePort: _one, ...single } = endpoint;
    const narrow = of(planned(2, single), "office-cabin");
    expect([narrow.slot, narrow.ports, narrow.other]).toEqual([1, [61999], undefined]);
    expect(() => model.planIntranet("home", spec({ sites: { ...sites, "vps-b": site(3) } }))).toThrow(/wg-vps-b/);
  });

  test("names hosts that offer something, services and the CA; a site without services changes no name", () => {
    const dns = { at: ["home", "cabin"], extraRecords: [{ name: "nas", type: "A", data: "10.20.0.7" }] };
    const services = {
      nextcloud: { at: "home", port: 8080 },
      mail: { at: "office", port: 2525, protocol: "tcp" as const },
    };
    const sites = { home: site(0), cabin: site(1), office: site(2) };
    const plan = model.planIntranet("home", spec({ sites, services, dns }));
    const v4 = (host: string) => plan.hosts[host]!.identity.v4;
    const records = plan.dns!.records.map(({ name, type, data }) => `${name} ${type} ${data}`);
    expect(records.filter((line) => !line.includes("AAAA"))).toEqual([
      `home A ${v4("home")}`,
      `cabin A ${v4("cabin")}`,
      `office A ${v4("office")}`,
      `ca A ${v4("home")}`,
      `nextcloud A ${v4("home")}`,
      `mail A ${v4("office")}`,
      "nas A 10.20.0.7",
    ]);
    expect(plan.dns!.resolvers).toEqual([
      ...["home", "cabin"].map(v4),
      plan.hosts.home!.identity.v6,
      plan.hosts.cabin!.identity.v6,
    ]);
    expect(plan.dns!.reverse).toContainEqual({ address: v4("office"), name: "office.intranet.example" });
    expect(plan.certificateAuthority).toEqual({ host: "home", fqdn: "ca.intranet.example", port: 9000 });
    const larger = model.planIntranet("home", spec({ sites: { ...sites, attic: site(3) }, services, dns }));
    expect(larger.dns).toEqual(plan.dns);
  });

  test.each([
    [1500, 1492, 1412],
    [1500, 1500, 1420],
    [1460, 1500, 1380],
    [1360, 9000, 1280],
  ])("underlays of %i and %i bytes give a tunnel of %i", (a, b, mtu) => expect(model.tunnelMtu(a, b)).toBe(mtu));

  test("pools that are given are used", () => {
    const plan = model.planIntranet("home", spec({ pools: { identities: "10.17.0.0/24", devices: "10.18.0.0/24" } }));
    expect(plan.hosts.vps!.identity.v4).toBe("10.17.0.1");
    expect(plan.deviceHub.pool.v4).toBe("10.18.0.0/24");
  });

  test("a service finds its site by the host itself", () => {
    const home = site(0);
    const plan = model.planIntranet("home", spec({ sites: { home }, services: { Wiki: { at: home.host, port: 80 } } }));
    expect(plan.services.wiki).toMatchObject({ fqdn: "wiki.intranet.example", host: "home", audience: "intranet" });
  });

  test("warns where a LAN is what home routers come with", () => {
    const lan = {
      host: { address: "192.168.1.5", hostKeys: site(0).host.hostKeys },
      lan: ["192.168.1.0/24"],
      router: "gateway" as const,
    };
    const plan = model.planIntranet("home", spec({ space: { v4: "192.168.0.0/16" }, sites: { home: lan } }));
    expect(plan.warnings.map((warning) => warning.path)).toEqual(["space.v4", "sites.home.lan[0]"]);
  });

  test.each([
    ["10.16.0.0/12", []],
    ["172.16.0.0/12", [/Docker/]],
    ["10.64.0.0/10", [/Podman/]],
    ["192.168.0.0/16", [/libvirt/]],
    ["100.64.0.0/10", [/Tailscale/]],
  ])("warns where the space %s holds what programs of hosts use", (v4, whose) => {
    const [a, b] = v4.split(".");
    const lan = [`${a}.${b}.5.0/24`];
    const home = {
      host: { address: `${a}.${b}.5.10`, hostKeys: site(0).host.hostKeys },
      lan,
      router: "gateway" as const,
    };
    const { warnings } = model.planIntranet("home", spec({ space: { v4 }, sites: { home } }));
    expect(warnings.map(({ path, rule }) => `${path} ${rule}`)).toEqual(
      whose.map((name) => expect.stringMatching(name)),
    );
  });

  test("the IPv6 space is unique local and differs between domains", () => {
    const a = model.uniqueLocalPrefix("home", "a.example");
    expect(model.containsPrefix(model.parsePrefix("fd00::/8")!, a)).toBe(true);
    expect(a.length).toBe(48);
    expect(a).not.toEqual(model.uniqueLocalPrefix("home", "b.example"));
  });
});

describe("ids", () => {
  const range = { first: 1, last: 4094 };

  test("of names lie in the range and do not depend on other names", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 20 }), (names) => {
        const issues = new model.Issues();
        const ids = model.allocateIds(
          "x",
          names.map((name) => ({ name, path: name })),
          range,
          issues,
        );
        for (const name of names) expect(ids.get(name)).toBe(model.hashId("x", name, range));
        const distinct = new Set(ids.values()).size === names.length;
        expect(issues.count === 0).toBe(distinct);
      }),
    );
  });

  test("that collide name both claims and a number that is free", () => {
    const issues = new model.Issues();
    model.allocateIds(
      "x",
      [
        { name: "a", path: "sites.a.id", id: 1 },
        { name: "b", path: "sites.b.id", id: 1 },
      ],
      range,
      issues,
    );
    expect(issues.list()[0]).toMatchObject({
      path: "sites.b.id",
      help: "set sites.b.id to a number that is free, for example 2",
    });
  });

  test("a name that meets a given number asks for an id of its own", () => {
    const issues = new model.Issues();
    const hashed = model.hashId("x", "b", range);
    model.allocateIds(
      "x",
      [
        { name: "b", path: "sites.b.id" },
        { name: "a", path: "sites.a.id", id: hashed },
      ],
      range,
      issues,
    );
    expect(issues.list()[0]!.help).toContain("set sites.b.id to");
  });
});

describe("exposure", () => {
  test("names what the Internet reaches first, then each service", () => {
    const rows = model.exposureOf(model.planIntranet("home", spec()), { from: ["198.51.100.7/32"] });
    expect(rows.map((row) => row.what)).toEqual(["web", "ssh", "tunnels", "echo", "dns", "ca", "nextcloud"]);
  });
});

describe("a LAN beside the space, of which only the host takes part", () => {
  const beside = (last: number, more: object = {}) =>
    site(0, {
      host: { address: `192.168.178.${last}`, hostKeys: site(0).host.hostKeys!, ...more },
      lan: ["192.168.178.0/24"],
    });

  test("two homes may have the same; nobody is told of it, and the host is known by its identity", () => {
    const plan = model.planIntranet(
      "home",
      spec({ sites: { home: site(0), cabin: beside(20), office: beside(20, { enrol: true, hostKeys: undefined }) } }),
    );
    for (const host of ["cabin", "office"]) {
      expect(plan.ospf[host]!.announce).toEqual([]);
      expect(plan.sites[host]).toMatchObject({ lan: ["192.168.178.0/24"], staticRoutes: [] });
    }
    expect(plan.ospf["home"]!.announce).toEqual(["10.20.0.10/32"]);
    expect(plan.warnings.filter(({ path }) => path.includes("lan"))).toEqual([]);
  });
});
