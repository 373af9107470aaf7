/**
 * How packets find their way between the hosts: every identity from every other, over the spare way too, and never
 * beside a tunnel.
 */
import { tunnel } from "./devices";
import { capture, ensureUp, identity, plan, pulumiOk, until } from "./intranet";
import { exec, execOk, labOk } from "./support";
import { captureOn, hearOspf, ping, pingEach, sayOspf, withRule } from "./traffic";

const { hosts, links, ospf, space, deviceHub, devices } = plan();
/** The hosts that are there from the beginning. */
const HOSTS = Object.keys(hosts);
const FAMILIES = ["v4", "v6"] as const;
/** Echo requests of both families, by their types' numbers (RFC 792, RFC 4443). */
const ECHO_REQUESTS = "icmp[0] == 8 or ip6[40] == 128";

const others = (host: string) => HOSTS.filter((other) => other !== host);
const addresses = (host: string) => FAMILIES.map((family) => identity(host)[family]);
const link = (a: string, b: string) => links.find((one) => [a, b].every((h) => [one.a.host, one.b.host].includes(h)))!;
const endOf = (a: string, b: string) => (link(a, b).a.host === a ? link(a, b).a : link(a, b).b);

/** The routers on the cheapest way from each host to each other one, along the links that are not cut. */
function routersBetween(cut: readonly string[] = []): Record<string, Record<string, number>> {
  const usable = links.filter(({ name }) => !cut.includes(name));
  const ways = (from: string): Record<string, number> => {
    const best: Record<string, { cost: number; hops: number }> = { [from]: { cost: 0, hops: 0 } };
    for (let round = 0; round < HOSTS.length; round++)
      for (const { a, b, cost } of usable)
        for (const [near, far] of [
          [a.host, b.host],
          [b.host, a.host],
        ] as const) {
          const known = best[near];
          if (known && known.cost + cost < (best[far]?.cost ?? Infinity))
            best[far] = { cost: known.cost + cost, hops: known.hops + 1 };
        }
    return Object.fromEntries(others(from).flatMap((to) => (best[to] ? [[to, best[to].hops - 1]] : [])));
  };
  return Object.fromEntries(HOSTS.map((host) => [host, ways(host)]));
}

/** The TTL of every answer, by host and address, when every host pings every other one's identity. */
async function everyPair(): Promise<Record<string, Record<string, number>>> {
  const answers = await Promise.all(
    HOSTS.map(async (host) => [host, await pingEach(host, others(host).flatMap(addresses))] as const),
  );
  return Object.fromEntries(answers);
}

/** What `everyPair` gives where answers come the way that the costs say. */
function expectedPairs(cut: readonly string[] = []): Record<string, Record<string, number>> {
  const between = routersBetween(cut);
  return Object.fromEntries(
    HOSTS.map((from) => {
      // The answer's TTL counts the routers on its way back.
      const back = others(from).flatMap((to) =>
        between[to]![from] === undefined ? [] : addresses(to).map((at) => [at, 64 - between[to]![from]!] as const),
      );
      return [from, Object.fromEntries(back)];
    }),
  );
}

/**
 * Waits until every pair answers as it should, then sees on each host by which addresses the others asked: their
 * identities.
 */
async function everyIdentityReachesEvery(cut: readonly string[], seconds: number): Promise<void> {
  const expected = expectedPairs(cut);
  let last: unknown;
  await until(
    "every identity answers every other one, over the cheapest way",
    async () => {
      last = await everyPair();
      return JSON.stringify(sorted(last)) === JSON.stringify(sorted(expected));
    },
    seconds,
  ).catch(() => expect(last).toEqual(expected));
  // OSPF may move once more after ways that were mended: one look may lose a packet.
  const wanted = HOSTS.flatMap((host) =>
    FAMILIES.map((family) => ({
      host,
      family,
      sources: others(host)
        .map((other) => identity(other)[family])
        .sort(),
    })),
  );
  let found: typeof wanted = [];
  await until(
    "the identities are what asks",
    async () => {
      const seen = await captureOn(HOSTS, ECHO_REQUESTS, everyPair);
      found = wanted.map(({ host, family }) => {
        const sources = seen[host]!.flatMap((line) => {
          const [, from, to] = / In +IP6? (\S+) > (\S+): ICMP/.exec(line) ?? [];
          return to === identity(host)[family] ? [from!] : [];
        });
        return { host, family, sources: [...new Set(sources)].sort() };
      });
      return JSON.stringify(found) === JSON.stringify(wanted);
    },
    15,
  ).catch(() => expect(found).toEqual(wanted));
}

const familyFlag = (prefix: string) => (prefix.includes(":") ? "-6" : "-4");

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)]);
}

beforeAll(async () => {
  await ensureUp();
  await tunnel("laptop", "up");
}, 600_000);
afterAll(async () => {
  await tunnel("laptop", "down");
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 120_000);

describe("every identity from every identity, in both families, with the identity as source", () => {
  afterAll(async () => {
    await labOk(["mend", "cabin", "vps"]);
    await labOk(["mend", "cabin", "office"]);
  });

  test("over the cheapest ways", () => everyIdentityReachesEvery([], 60), 120_000);

  test("with cabin cut from vps: over the spare way, by one more host", async () => {
    const direct = routersBetween()["home"]!["cabin"]!;
    expect(routersBetween([link("cabin", "vps").name])["home"]!["cabin"]).toBe(direct + 1);
    await labOk(["cut", "cabin", "vps"]);
    await everyIdentityReachesEvery([link("cabin", "vps").name], 40);
  }, 120_000);

  test("every host on the way says who it is by its identity", async () => {
    for (const family of FAMILIES) {
      const traced = await exec("laptop", [
        "traceroute",
        "-n",
        "-q",
        "1",
        "-w",
        "2",
        "-m",
        "6",
        identity("cabin")[family],
      ]);
      const hops = traced.stdout.split("\n").flatMap((line) => /^ *\d+ +(\S+)/.exec(line)?.slice(1) ?? []);
      // The hub is the device's first hop, by the address that it has for devices or by its identity.
      expect([identity("vps")[family], deviceHub.address[family]]).toContain(hops[0]);
      expect(hops.slice(1)).toEqual([identity("office")[family], identity("cabin")[family]]);
    }
  }, 60_000);

  test("with all its tunnels cut, nothing of the space leaves cabin by its ISP", async () => {
    const targets = [...addresses("home"), plan().sites["home"]!.hostAddress, ...addresses("office")];
    const filter = [`net ${space.v4} or net ${space.v6}`];
    const attempt = () => Promise.all([pingEach("cabin", targets, 1), pingEach("camera", [targets[2]!], 1)]);
    const leaked = await capture("cabin-router", "wan", filter, async () => {
      await labOk(["cut", "cabin", "office"]);
      // From the moment of the cut until the host itself knows that there is no way.
      await until(
        "cabin knows no way",
        async () => {
          await attempt();
          const known = await Promise.all(targets.map((to) => exec("cabin", ["ip", "route", "get", to])));
          return known.slice(0, 3).every(({ code, stderr }) => code !== 0 && /No route|unreachable/i.test(stderr));
        },
        40,
      );
      const [host, camera] = await attempt();
      expect({ ...host, ...camera }).toEqual({});
    });
    expect(leaked).toEqual([]);
    // Positive control: what would leave is seen on this line, once the routes of the last resort are not there.
    for (const prefix of [space.v4, space.v6]) await execOk("cabin", ["ip", "route", "del", "unreachable", prefix]);
    try {
      const control = await capture("cabin-router", "wan", filter, attempt);
      for (const family of [/ IP /, / IP6 /]) expect(control.some((line) => family.test(line))).toBe(true);
    } finally {
      await execOk("cabin", ["systemctl", "reload", "intranet-identity.service"]);
    }
    expect(await capture("cabin-router", "wan", filter, attempt)).toEqual([]);
  }, 120_000);

  test("healed: over the cheapest ways again", async () => {
    await labOk(["mend", "cabin", "office"]);
    await labOk(["mend", "cabin", "vps"]);
    await everyIdentityReachesEvery([], 60);
  }, 120_000);
});

describe("link-local addresses", () => {
  test("each link has exactly one of each family", async () => {
    for (const host of HOSTS) {
      const shown = JSON.parse(await execOk(host, ["ip", "-json", "address", "show"])) as any[];
      const tunnels = shown.filter(({ ifname }) => ifname.startsWith("wg-") && ifname !== deviceHub.interface);
      const found = tunnels.map(({ ifname, addr_info }) => [
        ifname,
        addr_info.map((a: any) => [a.local, a.address ?? a.peer ?? "", a.prefixlen]).sort(),
      ]);
      const declared = links.flatMap(({ a, b }) =>
        [
          [a, b],
          [b, a],
        ].flatMap(([own, peer]) =>
          own!.host === host
            ? [
                [
                  own!.interface,
                  [
                    [own!.v4, peer!.v4, 32],
                    [own!.v6, "", 64],
                  ].sort(),
                ],
              ]
            : [],
        ),
      );
      expect([host, found.sort()]).toEqual([host, declared.sort()]);
    }
  });

  test("they never leave a link, not even when they are asked to", async () => {
    const from = endOf("home", "vps");
    const to = identity("cabin").v4;
    /**
     * Of the packets with link-local IPv4 addresses: those that are not between the two ends of the link they are on.
     */
    const strays = (host: string, lines: readonly string[]) =>
      lines.filter((line) => {
        const [, iface, rest] = /^\S+ (\S+) +\S+ +(.*)$/.exec(line) ?? [];
        const own = links.flatMap(({ a, b }) =>
          [a, b].some((end) => end.host === host && end.interface === iface) ? [a.v4, b.v4] : [],
        );
        const seen = rest?.match(/169\.254\.\d+\.\d+/g) ?? [];
        return seen.some((address) => !own.includes(address));
      });
    const attempt = async () => {
      await ping("home", to, ["-I", from.v4]);
      await everyPair();
      await exec("laptop", ["traceroute", "-n", "-q", "1", "-w", "1", "-m", "4", to]);
    };
    const seen = await captureOn(HOSTS, "net 169.254.0.0/16", attempt);
    for (const host of HOSTS) {
      expect([host, seen[host]!.length > 0]).toEqual([host, true]); // OSPF's own, so the capture sees such packets
      expect([host, strays(host, seen[host]!)]).toEqual([host, []]);
    }
    // They are in nobody's routing table but their own link's, whatever the way they came.
    for (const host of HOSTS) {
      const routes = await execOk(host, ["sh", "-c", "ip route; ip -6 route"]);
      const linkLocal = routes.split("\n").filter((line) => /^(169\.254|fe80)/.test(line));
      expect(linkLocal.filter((line) => !/ proto kernel /.test(line) || / via /.test(line))).toEqual([]);
    }
    // Positive control: with the hub's rules lifted the packet with the forced source goes on.
    await withRule("vps", "inet intranet forward", "accept", async () => {
      const lifted = await captureOn(["vps"], "net 169.254.0.0/16", () => ping("home", to, ["-I", from.v4]));
      expect(strays("vps", lifted["vps"]!).length).toBeGreaterThan(0);
    });
  }, 120_000);
});

describe("who may speak OSPF", () => {
  test("the tunnels that are declared, and no other interface", async () => {
    for (const host of HOSTS) {
      const shown = await execOk(host, ["birdc", "show", "ospf", "interface"]);
      const found = [...shown.matchAll(/^Interface (\S+)/gm)].map(([, name]) => name).sort();
      // Each once for OSPFv2 and once for OSPFv3.
      const declared = ospf[host]!.interfaces.flatMap((one) => [one.interface, one.interface]).sort();
      expect([host, found]).toEqual([host, declared]);
    }
  });

  test("a device cannot: its hellos reach nobody, and with the rules lifted they do", async () => {
    const laptop = devices["laptop"]!;
    const targets = [identity("vps"), deviceHub.address].flatMap(({ v4, v6 }) => [v4, v6]);
    /** The sources of all OSPF packets that a program on the hub can hear while the laptop sends hellos. */
    const heard = async () => {
      const hearing = hearOspf("vps", 6); // a router says something every five seconds
      await sayOspf("laptop", targets, 5);
      return hearing;
    };
    const before = await heard();
    expect(before).toContain(endOf("home", "vps").v4); // the listener works: routers are heard
    expect(before.filter((from) => [laptop.v4, laptop.v6].includes(from))).toEqual([]);
    await withRule("vps", "inet intranet tunnels", "meta l4proto 89 accept", async () => {
      expect(await heard()).toEqual(expect.arrayContaining([laptop.v4, laptop.v6]));
      const neighbours = await execOk("vps", ["birdc", "show", "ospf", "neighbors"]);
      expect(neighbours).not.toContain(deviceHub.interface);
    });
  }, 60_000);

  const CONFIG = "/etc/bird/bird.conf";
  const state = (host: string) =>
    execOk(host, ["sh", "-c", "birdc show ospf state all ospf4; birdc show ospf state all ospf6"]);
  const reload = async (host: string, text: string) => {
    const written = await exec(host, ["sh", "-c", 'cat > "$1" && birdc configure', "sh", CONFIG], { stdin: text });
    expect(written.stdout).toMatch(/Reconfigured/);
  };
  /** A host's configuration with more networks of its own. */
  const announcing = (host: string, text: string, prefixes: readonly string[], cost = "") =>
    ([4, 6] as const).reduce((now, family) => {
      const line = new RegExp(
        `^\\s*stubnet ${family === 4 ? `${identity(host).v4}/32` : `${identity(host).v6}/128`};$`.replaceAll(
          ".",
          "\\.",
        ),
        "m",
      );
      expect(now).toMatch(line);
      const more = prefixes.filter((prefix) => familyFlag(prefix) === `-${family}`);
      return now.replace(line, (found) => [found, ...more.map((prefix) => `stubnet ${prefix}${cost};`)].join("\n"));
    }, text);

  test("a router that announces what is not of the space is heard, and not believed", async () => {
    const before = await execOk("office", ["cat", CONFIG]);
    const foreign = { v4: ["203.0.113.0/24", "169.254.77.0/24", "0.0.0.0/0"], v6: ["2001:db8:77::/48", "::/0"] };
    const inside = { v4: "10.29.0.0/24", v6: `${space.v6.split("::")[0]}:7777::/64` };
    await reload("office", announcing("office", before, [...Object.values(inside), ...Object.values(foreign).flat()]));
    try {
      await until("vps has heard it", async () => (await state("vps")).includes(inside.v6), 20);
      for (const host of ["home", "vps", "cabin"]) {
        const routes = async (prefix: string) =>
          (await execOk(host, ["ip", familyFlag(prefix), "route", "show", "exact", prefix, "proto", "bird"])).trim();
        // Positive control: what it announces gets here, and what is of the space becomes a route on a host with one
        // neighbour, which is sent all of it. Where there are more, what is nobody's is taken from nobody.
        const knowsOwners = new Set(ospf[host]!.interfaces.map(({ neighbour }) => neighbour)).size > 1;
        for (const prefix of Object.values(inside))
          if (knowsOwners) expect([host, prefix, await routes(prefix)]).toEqual([host, prefix, ""]);
          else await until(`${host} has a route to ${prefix}`, async () => (await routes(prefix)) !== "", 20);
        const database = await state(host);
        for (const prefix of [...foreign.v4, ...foreign.v6]) {
          expect([host, prefix, database.includes(prefix)]).toEqual([host, prefix, true]);
          expect([host, prefix, await routes(prefix)]).toEqual([host, prefix, ""]);
        }
      }
    } finally {
      await reload("office", before);
    }
    for (const host of others("office"))
      await until(
        `${host} has forgotten it`,
        async () => (await execOk(host, ["ip", "route", "show", "exact", inside.v4])).trim() === "",
        20,
      );
  }, 120_000);

  test("a host that announces what is another's draws none of it, equal or more specific; without owners it does", async () => {
    const [cabin, vps] = await Promise.all(["cabin", "vps"].map((host) => execOk(host, ["cat", CONFIG])));
    const home = identity("home");
    const lan = "10.20.0.10";
    const claimed = [`${home.v4}/32`, `${home.v6}/128`, `${lan}/32`, "10.20.0.0/24"];
    /** The packets for home that the cabin gets while the laptop and the VPS ping it, and who answers. */
    const drawn = async () => {
      let answered: string[] = [];
      const seen = await captureOn(["cabin"], `icmp[0] == 8 and (dst ${home.v4} or dst ${lan})`, async () => {
        answered = Object.keys(await pingEach("laptop", [home.v4, lan], 2)).sort();
        await pingEach("vps", [home.v4, home.v6, lan], 2);
      });
      return { drawn: seen["cabin"]!.length, answered };
    };
    await tunnel("laptop", "up");
    try {
      expect(await drawn()).toEqual({ drawn: 0, answered: [home.v4, lan].sort() });
      expect((await exec("vps", ["/etc/intranet/ospf-owners"])).stdout).toMatch(/^ok /);
      await reload("cabin", announcing("cabin", cabin!, claimed, " { cost 1; }"));
      await until("vps has heard it", async () => (await state("vps")).includes(`${lan}/32`), 20);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      expect((await drawn()).drawn).toBe(0);
      const said = await exec("vps", ["/etc/intranet/ospf-owners"]);
      expect([said.code, said.stdout.trim().split("\n")]).toEqual([
        1,
        claimed.map((prefix) => `WRONG cabin announces ${prefix}, which is home's`).sort(),
      ]);
      // Positive control: a VPS that takes the space from everybody sends it there.
      const open = vps!.replace(/^\tif net ~ (\[.*\]) && .* then accept; # \w+$/gm, "\tif net ~ $1 then accept;");
      expect(open).not.toBe(vps);
      await reload("vps", open);
      await until("the cabin gets what is home's", async () => (await drawn()).drawn > 0, 30);
    } finally {
      await reload("vps", vps!);
      await reload("cabin", cabin!);
      await until("home is reached again", async () => (await drawn()).answered.length === 2, 40);
      await tunnel("laptop", "down");
    }
  }, 180_000);
});
