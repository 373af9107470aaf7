/**
 * Services for everybody: visitors of both families reach them by names and certificates of the Internet, and every
 * packet goes through the VPS.
 */
import { ACME } from "../../lab/constants";
import { GUEST_PREFIX } from "../../model";
import { resolveThrough, staticRoutes } from "./devices";
import { capture, curl, ensureUp, identity, plan, plannedSteps, pulumiOk, until, up } from "./intranet";
import { cloudflare, hetzner } from "./lifted";
import {
  BLOG,
  ensurePublic,
  everybodyReaches,
  FORUM,
  FORUM_USER,
  guestAddress,
  type Places,
  ownAddresses,
  publicConfig,
  publicRecords,
  sourcesOf,
  VISITOR,
  VISITOR4,
  whoVisits,
} from "./public";
import { exec, execOk, labOk, probe } from "./support";
import { traces } from "./traces";
import { captureOn } from "./traffic";
import { onLines, visit } from "./visitors";

const { links, sites } = plan();
const HOSTS = ["vps", ...Object.keys(sites)];
const interfaceOf = (host: string, other: string): string => {
  const { a, b } = links.find((one) => [host, other].every((end) => [one.a.host, one.b.host].includes(end)))!;
  return (a.host === host ? a : b).interface;
};

/**
 * What changes by itself while hosts run: the ledger's serials, certificates, zones' journals; ports that BIRD chooses
 * for BFD, anew for each session.
 */
const OWN_LIFE = [
  /^[0-9a-f]{64} +\/var\/lib\/(intranet\/ledger\.json|caddy\/|step-ca\/|bind\/|nginx\/).*$\n/gm,
  /^udp .*%wg-\S+:(?!3784$)\d+$\n/gm,
  / expires \d+sec/g,
];

/** What a stack leaves where it runs and in the clouds. */
async function look(): Promise<Record<string, string>> {
  const zone = (await cloudflare("/zones?name=intranet.example")).result[0];
  const { result } = await cloudflare(`/zones/${zone.id}/dns_records?per_page=100`);
  const [{ primary_ips }, { firewalls }] = [await hetzner("/primary_ips"), await hetzner("/firewalls")];
  return {
    ...Object.fromEntries(
      await Promise.all(
        HOSTS.map(async (host) => [host, OWN_LIFE.reduce((text, part) => text.replace(part, ""), await traces(host))]),
      ),
    ),
    records: result
      .map((one: any) => `${one.name} ${one.type} ${one.content}`)
      .sort()
      .join("\n"),
    pointers: JSON.stringify(primary_ips.map((ip: any) => ip.dns_ptr)),
    firewalls: JSON.stringify(firewalls.map((one: any) => one.rules)),
  };
}

let before: Record<string, string>;
let at: Places;
/** Packets of the /64 but for those of the VPS itself, and packets of guests. */
let carried: string;
beforeAll(async () => {
  await ensureUp();
  before = await look();
  at = await ensurePublic();
  carried = `(net ${at.network} and not host ${at.ipv6}) or net ${GUEST_PREFIX}`;
}, 900_000);

test("nothing is left to be done once they are up, and a look at the real hosts shows no drift", async () => {
  await pulumiOk(["preview", "--refresh", "--expect-no-changes", ...publicConfig()]);
}, 120_000);

test("the VPS itself has the first address of its network, and no other", async () => {
  expect(await ownAddresses()).toEqual([`${at.ipv6}/128`]);
});

describe("in public DNS", () => {
  test("a service has its own IPv6 address, the VPS's IPv4 address, and a name by its address", async () => {
    for (const [name, address] of [
      [BLOG, at.blog],
      [FORUM, at.forum],
    ] as const) {
      expect([name, await publicRecords(name, "AAAA"), await publicRecords(name, "A")]).toEqual([
        name,
        [address],
        [at.ipv4],
      ]);
      expect(await publicRecords(address, "PTR")).toEqual([`${name}.`]);
    }
    expect(new Set([at.blog, at.forum, at.ipv6]).size).toBe(3);
  });

  test("its authority may issue for it, and nobody for any other name (RFC 8659, section 3)", async () => {
    const issuers = async (name: string): Promise<string[]> => {
      const found = await publicRecords(name, "CAA");
      return found.length > 0 || !name.includes(".") ? found : issuers(name.replace(/^[^.]*\./, ""));
    };
    for (const name of [BLOG, FORUM])
      expect([name, (await issuers(name)).sort()]).toEqual([name, [`0 issue "${ACME.name}"`, '0 issuewild ";"']]);
    for (const name of ["nextcloud.intranet.example", "a.b.intranet.example", "intranet.example"])
      expect([name, await issuers(name)]).toEqual([name, ['0 issue ";"']]);
  });

  test("a service of the inside has the sinkhole's address alone", async () => {
    expect(await publicRecords("nextcloud.intranet.example", "AAAA")).toEqual([at.ipv6]);
  });
});

describe("a visitor", () => {
  test.each([BLOG, FORUM])("of either family is served at %s, and the application knows who came", async (name) => {
    expect(await whoVisits("visitor", name)).toBe(VISITOR);
    expect(await whoVisits("visitor4", name)).toBe(guestAddress(VISITOR4));
    expect(await whoVisits("laptop", name, ["-4"])).toBe(guestAddress("198.51.100.140"));
    // What a visitor claims to be is not believed.
    expect(await whoVisits("visitor4", name, ["-H", "X-Forwarded-For: 203.0.113.9"])).toBe(guestAddress(VISITOR4));
    const [own, guest] = [await visit("visitor", name), await visit("visitor4", name)];
    expect([own.address, guest.address]).toEqual([name === BLOG ? at.blog : at.forum, at.ipv4]);
    for (const { body } of [own, guest]) expect(JSON.parse(body)).toMatchObject({ application: name.split(".")[0] });
  });

  test("who does not trust the public authority gets no page: it is that certificate, not the inside's", async () => {
    expect((await visit("visitor", BLOG, ["--cacert", "/etc/ssl/certs/ca-certificates.crt"])).status).toBe(0);
  });

  test("over plain HTTP is sent to https", async () => {
    for (const from of ["visitor", "visitor4"]) {
      const { status, body } = await curl(from, ["--include", `http://${BLOG}/x?y=1`]);
      expect([from, status]).toEqual([from, 308]);
      expect(body).toMatch(/^location: https:\/\/blog\.intranet\.example\/x\?y=1\s*$/im);
    }
  });
});

describe("the way of the packets", () => {
  const visits = async (name: string): Promise<void> => {
    for (const from of ["visitor", "visitor4"]) expect((await visit(from, name)).status).toBe(200);
  };

  test("there and back is the tunnel: both directions are in it at both ends, and nothing on a provider's line", async () => {
    let seen: Record<string, string[]> = {};
    const lines = await onLines(["home"], carried, async () => {
      seen = await captureOn(["vps", "home"], carried, () => visits(BLOG));
    });
    expect(lines).toEqual({ "internet home": [], "home-router wan": [] });
    for (const [host, other] of [
      ["vps", "home"],
      ["home", "vps"],
    ] as const) {
      const inside = seen[host]!.filter((line) => line.includes(` ${interfaceOf(host, other)} `));
      for (const peer of [VISITOR, guestAddress(VISITOR4)]) {
        expect(inside.some((line) => line.includes(`IP6 ${peer}.`) && line.includes(`> ${at.blog}.443`))).toBe(true);
        expect(inside.some((line) => line.includes(`IP6 ${at.blog}.443 > ${peer}.`))).toBe(true);
      }
    }
    expect(seen["home"]!.filter((line) => line.includes(" eth0 "))).toEqual([]);
  }, 120_000);

  test("all else of the house leaves by its provider, with the provider's address", async () => {
    for (const [from, address] of [
      ["tv", "2001:db8:a:1::20"],
      ["home", "2001:db8:a:1::10"],
      ["office", "2001:db8:f:1::10"],
    ] as const) {
      const seen = await capture("visitor", "eth0", ["icmp6[0] == 128"], () => probe(from, VISITOR));
      expect([from, seen.map((line) => /IP6 (\S+) >/.exec(line)?.[1])]).toEqual([from, [address]]);
    }
  });

  test("from inside the home the name leads straight there", async () => {
    await staticRoutes("home", "entered");
    await resolveThrough("tv", [sites["home"]!.hostAddress]);
    try {
      let answer = { status: 0, address: "" };
      const lines = await onLines(["home"], `(${carried}) or host ${at.ipv4}`, async () => {
        const tunnel = await capture("home", interfaceOf("home", "vps"), ["host 10.20.0.20 or port 443"], async () => {
          answer = await visit("tv", BLOG);
        });
        expect(tunnel).toEqual([]);
      });
      expect(answer).toMatchObject({ status: 200, address: identity("home").v4 });
      // The tunnels themselves are on that line: WireGuard's datagrams, and nothing else.
      expect(
        Object.values(lines)
          .flat()
          .filter((line) => !/: UDP,/.test(line)),
      ).toEqual([]);
    } finally {
      await resolveThrough("tv");
      await staticRoutes("home", "removed");
    }
  }, 60_000);

  test("what the forum's account says to the Internet carries the forum's address; what others say does not", async () => {
    expect(await sourcesOf("office", FORUM_USER)).toEqual([at.forum]);
    for (const user of ["root", "nobody"]) expect(await sourcesOf("office", user)).toEqual(["2001:db8:f:1::10"]);
  }, 60_000);

  describe("where links are cut", () => {
    const cut = async (...pairs: [string, string][]): Promise<void> => {
      for (const pair of pairs) await labOk(["cut", ...pair]);
    };
    const all: [string, string][] = [
      ["home", "vps"],
      ["cabin", "vps"],
      ["cabin", "office"],
      ["office", "vps"],
    ];
    afterAll(async () => {
      for (const pair of all) await labOk(["mend", ...pair]);
      await everybodyReaches(240);
    }, 300_000);
    /** On which hosts the forum's packets are seen. */
    const through = async (): Promise<string[]> => {
      const seen = await captureOn(["cabin"], `host ${at.forum}`, () => visits(FORUM));
      return Object.keys(seen).filter((host) => seen[host]!.length > 0);
    };

    test("the forum is reached over the cabin", async () => {
      expect(await through()).toEqual(["cabin"]);
    });

    test("and over the spare way, when the cabin is cut off", async () => {
      await cut(["cabin", "office"], ["cabin", "vps"]);
      await everybodyReaches(180);
      expect(await through()).toEqual([]);
      await labOk(["mend", "cabin", "office"]);
      await labOk(["mend", "cabin", "vps"]);
    }, 240_000);

    test("with all tunnels cut, no packet of the prefix is on any provider's line", async () => {
      await cut(...all);
      const speak = async (): Promise<void> => {
        for (const [host, own] of [
          ["home", at.blog],
          ["office", at.forum],
        ] as const) {
          await exec(host, ["ping", "-c", "2", "-i", "0.3", "-W", "1", "-I", own, VISITOR]);
          await exec(host, ["curl", "-sk", "-m", "2", "--interface", own, `https://[${VISITOR}]/`]);
          await exec(host, ["ping", "-c", "1", "-W", "1", guestAddress(VISITOR4)]);
          await exec(host, ["ping", "-c", "1", "-W", "1", at.blog.replace(/:[^:]*$/, ":fffe")]);
        }
        await exec("office", [
          "setpriv",
          "--reuid=mail",
          "--clear-groups",
          "curl",
          "-sk",
          "-m",
          "2",
          `http://[${VISITOR}]/`,
        ]);
      };
      const lost = (host: string, other: string) => async () =>
        !(await execOk(host, ["ip", "-6", "route", "show", "table", "6464"])).includes(interfaceOf(host, other));
      // First while the routes are still there, then when OSPF has taken them away.
      const silent = {
        "internet home": [],
        "home-router wan": [],
        "internet office": [],
        "office-router wan": [],
        "internet cabin": [],
        "cabin-router wan": [],
      };
      expect(await onLines(["home", "office", "cabin"], carried, speak)).toEqual(silent);
      await until("the way is gone", lost("home", "vps"), 60);
      expect(await onLines(["home", "office", "cabin"], carried, speak)).toEqual(silent);
      // Positive control: without the rule that holds them back, the same packets are on the line.
      await execOk("home", ["ip", "-6", "rule", "del", "pref", "110"]);
      try {
        const leaked = await onLines(["home"], carried, speak);
        expect(leaked["internet home"]!.length).toBeGreaterThan(0);
      } finally {
        await execOk("home", ["ip", "-6", "rule", "add", "pref", "110", "from", at.network, "lookup", "6464"]);
      }
    }, 240_000);
  });

  test("an unused address is answered as unreachable by the VPS, and its packets do not loop", async () => {
    const [first, last] = [
      at.network.replace("::/64", ":ffff::1"),
      at.network.replace("::/64", ":ffff:ffff:ffff:ffff"),
    ];
    const unused = [`${at.blog.replace(/:[^:]*$/, "")}:fffe`, at.ipv6.replace(/1$/, "2"), first, last];
    for (const address of unused) {
      let answer;
      const seen = await captureOn(["vps", "home"], `dst host ${address}`, async () => {
        answer = await probe("visitor", address, { timeout: 4 });
      });
      expect([address, answer]).toEqual([address, expect.objectContaining({ fate: "unreachable" })]);
      expect(seen["vps"]!.length).toBeGreaterThan(0);
      expect(seen["vps"]!.filter((line) => !/ eth0 +In /.test(line))).toEqual([]);
      expect(seen["home"]).toEqual([]);
    }
    // From inside it is the same.
    for (const host of ["home", "office"])
      expect((await probe(host, unused[0]!, { timeout: 4 })).fate).toBe("unreachable");
  }, 120_000);
});

describe("one service more", () => {
  test.each([
    ["home", 8083, ["office", "cabin"]],
    ["office", 8084, ["cabin"]],
  ] as const)(
    "at %s is one line, and changes hosts that serve it and no other",
    async (site, port, others) => {
      const more = publicConfig((network) => {
        network.services.shop = { at: site, port, audience: "internet" };
      });
      const steps = await plannedSteps(more);
      expect(steps.length).toBeGreaterThan(0);
      for (const other of others) expect(steps.filter(({ name }) => name.includes(other))).toEqual([]);
      expect(steps.filter(({ op }) => !["create", "update"].includes(op))).toEqual([]);
      // The addresses of those that were there stay.
      const planned = plan(more).services;
      expect(["blog", "forum"].map((name) => planned[name]!.public)).toEqual(
        ["blog", "forum"].map((name) => plan(publicConfig()).services[name]!.public),
      );
    },
    60_000,
  );
});

describe("when they are not for everybody any more", () => {
  beforeAll(() => up(), 400_000);

  test("their names end in ACCESS DENIED like any other", async () => {
    for (const name of [BLOG, FORUM]) {
      expect([await publicRecords(name, "AAAA"), await publicRecords(name, "A")]).toEqual([[at.ipv6], [at.ipv4]]);
      for (const from of ["visitor", "visitor4"]) {
        const denied = await visit(from, name, ["--insecure"]);
        expect([from, denied.status, denied.body]).toEqual([from, 403, expect.stringContaining("ACCESS DENIED")]);
      }
    }
    for (const address of [at.blog, at.forum]) {
      expect(await publicRecords(address, "PTR")).toEqual([]);
      expect((await probe("visitor", address, { port: 443, timeout: 4 })).fate).toBe("unreachable");
    }
  });

  test("nothing of it is left on any host or in the clouds", async () => {
    const after = await look();
    for (const [what, found] of Object.entries(before))
      expect([what, ...after[what]!.split("\n")]).toEqual([what, ...found.split("\n")]);
  }, 120_000);
});
