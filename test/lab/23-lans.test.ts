/**
 * LANs and large packets: devices that run nothing of ours reach each other through the tunnels, and a service sees who
 * asked.
 */
import { FIXED_HOSTS, MAIL_PORT, OFFICE } from "../../lab/constants";
import { staticRoutes, tunnel } from "./devices";
import { capture, ensureUp, identity, outputs, plan, pulumiOk } from "./intranet";
import { liftedCloudFirewall } from "./lifted";
import { exec, execOk, probe } from "./support";
import { captureOn, ping, pingEach, transfer, whoAsked, withOpenPort, withRule } from "./traffic";

const { sites, links, devices, space } = plan();
const ECHO_REQUESTS = "icmp[0] == 8";

/** The own addresses of the lab's hosts. */
const lan = Object.fromEntries(FIXED_HOSTS.map(({ name, ipv4 }) => [name, ipv4]));

let out: Record<string, any>;
beforeAll(async () => {
  await ensureUp();
  out = await outputs();
  await Promise.all(["home", "office"].map((site) => staticRoutes(site, "entered")));
  await Promise.all(["laptop", "phone"].map((device) => tunnel(device, "up")));
}, 600_000);
afterAll(async () => {
  await Promise.all(["home", "office"].map((site) => staticRoutes(site, "removed")));
  await Promise.all(["laptop", "phone"].map((device) => tunnel(device, "down")));
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 120_000);

describe("what stands on a LAN", () => {
  /**
   * A device on each LAN: behind a router with a static route, behind one as well, and with the site's host as its
   * gateway.
   */
  const STANDING = ["tv", "printer", "camera"];

  test("the stack names the route for each router that needs one, and none for a site whose host is the gateway", () => {
    const routed = Object.entries(sites).filter(([, { router }]) => router === "static");
    expect(routed.map(([name]) => name)).toContain("home");
    expect(out["routes"]).toEqual(
      Object.fromEntries(routed.map(([name, { hostAddress }]) => [name, { [space.v4]: hostAddress }])),
    );
  });

  test("reaches every other LAN's devices, every identity and the devices with a tunnel; each is seen by its own address", async () => {
    const everybody = [...STANDING, "laptop", "phone"];
    const addressOf = (name: string) => devices[name]?.v4 ?? lan[name]!;
    // Devices do not reach each other.
    const isDevice = (name: string) => name in devices;
    const targets = (from: string) =>
      everybody.filter((to) => to !== from && !(isDevice(from) && isDevice(to))).map(addressOf);
    const identities = Object.keys(plan().hosts).map((host) => identity(host).v4);
    let answers: Record<string, number>[] = [];
    const seen = await captureOn(everybody, ECHO_REQUESTS, async () => {
      answers = await Promise.all(everybody.map((from) => pingEach(from, [...targets(from), ...identities])));
    });
    everybody.forEach((from, index) => {
      expect([from, Object.keys(answers[index]!).sort()]).toEqual([from, [...targets(from), ...identities].sort()]);
      const arrived = seen[from]!.flatMap((line) => / In +IP (\S+) > (\S+): ICMP/.exec(line)?.slice(1, 2) ?? []);
      expect([from, [...new Set(arrived)].sort()]).toEqual([from, targets(from).sort()]);
    });
  }, 60_000);

  test("devices do not reach each other, until the sinkhole's rule about it is lifted", async () => {
    const phone = devices["phone"]!.v4;
    expect(await pingEach("laptop", [phone], 1)).toEqual({});
    await withRule("vps", "inet intranet forward", 'iifname "wg-devices" oifname "wg-devices" accept', async () => {
      expect(Object.keys(await pingEach("laptop", [phone]))).toEqual([phone]);
    });
    expect(await pingEach("laptop", [phone], 1)).toEqual({});
  }, 30_000);

  test("and also hosts by their LAN addresses, and the Internet as before", async () => {
    const hostAddresses = Object.values(sites).map(({ hostAddress }) => hostAddress);
    for (const from of STANDING) {
      expect([from, Object.keys(await pingEach(from, hostAddresses)).sort()]).toEqual([from, hostAddresses.sort()]);
      expect((await probe(from, "visitor")).fate).toBe("accepted");
    }
  });

  test("without the routes on its router, a LAN is left alone", async () => {
    await staticRoutes("home", "removed");
    try {
      expect(await pingEach("tv", [lan["printer"]!, identity("cabin").v4], 1)).toEqual({});
      expect(Object.keys(await pingEach("tv", [lan["home"]!], 1))).toEqual([lan["home"]]);
    } finally {
      await staticRoutes("home", "entered");
    }
    expect(Object.keys(await pingEach("tv", [lan["printer"]!]))).toEqual([lan["printer"]]);
  });
});

describe("large packets over a line that swallows what is too big", () => {
  const toOffice = links.filter(({ a, b }) => [a.host, b.host].includes("office"));
  const ends = toOffice.flatMap(({ a, b, mtu }) => [
    { mtu, own: a, peer: b },
    { mtu, own: b, peer: a },
  ]);
  /** What ping calls the size: without the headers of IP (20 or 40) and ICMP (8). */
  const sizeFor = (mtu: number, to: string) => mtu - (to.includes(":") ? 48 : 28);
  const unfragmented = (host: string, iface: string, to: string, mtu: number) =>
    ping(host, to, ["-M", "do", "-I", iface, "-s", String(sizeFor(mtu, to))]);

  test("the office's line is what it is said to be: 1460 bytes pass, and of 1461 nobody hears again", async () => {
    expect((await ping("office", lan["visitor"]!, ["-M", "do", "-s", "1432"]))[0]).toBe(true);
    const [answered, said] = await ping("office", lan["visitor"]!, ["-M", "do", "-s", "1433"]);
    expect([answered, /too long|too big|needed/i.test(said)]).toEqual([false, false]);
  });

  test.each(ends.map((end) => [end.own.host, end.own.interface, end] as const))(
    "%s, %s: a packet of exactly the MTU passes undivided in both families, one byte more does not",
    async (host, iface, { mtu, peer }) => {
      expect(mtu).toBe(1460 - 80);
      for (const to of [peer.v4, peer.v6]) {
        expect(await unfragmented(host, iface, to, mtu)).toEqual([true, expect.anything()]);
        const [answered, said] = await unfragmented(host, iface, to, mtu + 1);
        expect([answered, said]).toEqual([false, expect.stringMatching(/message too long/i)]);
      }
    },
  );

  const MEGABYTES = 10 * 2 ** 20;
  test.each([
    ["home", "office", () => identity("office").v4, () => identity("home").v4],
    ["office", "home", () => identity("home").v6, () => identity("office").v6],
    ["tv", "printer", () => lan["printer"]!, () => lan["tv"]!],
    ["printer", "tv", () => lan["tv"]!, () => lan["printer"]!],
    ["laptop", "office", () => identity("office").v6, () => devices["laptop"]!.v6],
    ["office", "phone", () => devices["phone"]!.v4, () => identity("office").v4],
  ] as const)("10 MB from %s to %s", async (from, to, address, seenAs) => {
    expect(await transfer(from, to, address(), MEGABYTES)).toEqual({ bytes: MEGABYTES, from: seenAs() });
  });

  test("TCP between LANs is told to stay below the smallest MTU on its way", async () => {
    const segments = async (from: string, to: string) => {
      const syns = await capture(to, "eth0", ["tcp[tcpflags] & (tcp-syn | tcp-ack) == tcp-syn"], () =>
        probe(from, lan[to]!, { port: 9 }),
      );
      return syns.map((line) => Number(/mss (\d+)/.exec(line)?.[1]));
    };
    for (const [from, to] of [
      ["tv", "printer"],
      ["printer", "tv"],
    ] as const) {
      const found = await segments(from, to);
      expect(found.length).toBeGreaterThan(0);
      expect([...new Set(found)]).toEqual([1460 - 80 - 40]);
    }
  });
});

describe("a service without a proxy sees who asked", () => {
  const ways = () => [identity("office").v4, lan["office"]!];

  test.each(["laptop", "phone"])("%s through its tunnel, in both families", async (device) => {
    for (const address of ways()) expect(await whoAsked(device, address, MAIL_PORT)).toBe(devices[device]!.v4);
    expect(await whoAsked(device, identity("office").v6, MAIL_PORT)).toBe(devices[device]!.v6);
  });

  test.each(["tv", "camera", "printer"])("%s on its LAN", async (device) => {
    for (const address of ways()) expect(await whoAsked(device, address, MAIL_PORT)).toBe(lan[device]);
  });

  test.each(["vps", "home", "cabin"])("%s by its identity, in both families", async (host) => {
    for (const address of ways()) expect(await whoAsked(host, address, MAIL_PORT)).toBe(identity(host).v4);
    expect(await whoAsked(host, identity("office").v6, MAIL_PORT)).toBe(identity(host).v6);
  });

  test("a stranger gets nowhere: not by its name, not at the office's own line, not by its addresses", async () => {
    for (const to of ["mail.intranet.example", OFFICE.wan.ipv4, ...ways(), identity("office").v6])
      expect([to, (await probe("visitor", to, { port: MAIL_PORT, timeout: 1 })).fate]).toEqual([
        to,
        expect.stringMatching(/^(filtered|refused|unreachable)$/),
      ]);
  });

  test("neither does a friend without the tunnel", async () => {
    await tunnel("phone", "down");
    try {
      for (const to of ways()) expect(await whoAsked("phone", to, MAIL_PORT)).toBe("");
    } finally {
      await tunnel("phone", "up");
    }
    expect(await whoAsked("phone", identity("office").v4, MAIL_PORT)).toBe(devices["phone"]!.v4);
  });
});

describe("no open relay: with a path from outside, opened for this test alone, the service sees the stranger", () => {
  const office = identity("office").v4;
  const link = links.find(({ a, b }) => a.host === "vps" && b.host === "office")!;
  /** Set by hand: a port of the sinkhole that leads to `mail`, and the way back through the tunnel. */
  const open: [string, string[]][] = [
    ["vps", ["nft", "add table ip relay { chain in { type nat hook prerouting priority dstnat; }; }"]],
    ["vps", ["nft", "add table ip relay { chain out { type nat hook postrouting priority srcnat; }; }"]],
    ["vps", ["nft", `add rule ip relay in iifname eth0 tcp dport ${MAIL_PORT} dnat to ${office}`]],
    ["vps", ["ip", "route", "add", `${office}/32`, "dev", link.a.interface, "metric", "1"]],
    ["office", ["ip", "route", "add", "default", "dev", link.b.interface, "table", "77"]],
    ["office", ["ip", "rule", "add", "from", office, "to", lan["visitor"]!, "lookup", "77", "priority", "77"]],
  ];
  const close: [string, string[]][] = [
    ["office", ["ip", "rule", "del", "priority", "77"]],
    ["office", ["ip", "route", "flush", "table", "77"]],
    ["vps", ["ip", "route", "del", `${office}/32`, "dev", link.a.interface, "metric", "1"]],
    ["vps", ["nft", "delete", "table", "ip", "relay"]],
  ];
  const seen = () => whoAsked("visitor", out["sinkhole"].ipv4, MAIL_PORT);

  test("and with a masquerade on the way it does not: the same assertion fails (negative control)", async () => {
    expect(await seen()).toBe("");
    const seesTheStranger = async () => expect(await seen()).toBe(lan["visitor"]);
    try {
      for (const [host, argv] of open) await execOk(host, argv);
      await liftedCloudFirewall(() =>
        withRule("vps", "inet intranet forward", "ct status dnat accept", () =>
          withOpenPort("office", MAIL_PORT, async () => {
            await seesTheStranger();
            await execOk("vps", ["nft", "add rule ip relay out oifname wg-* masquerade"]);
            await expect(seesTheStranger()).rejects.toThrow();
            expect(await seen()).toMatch(/^(169\.254|10)\./); // it answers, and is misled
          }),
        ),
      );
    } finally {
      for (const [host, argv] of close) await exec(host, argv);
    }
    expect(await seen()).toBe("");
  }, 60_000);
});
