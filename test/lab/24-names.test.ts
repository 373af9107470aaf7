/**
 * Names inside and outside: the sinkhole for strangers, the intranet's own for friends. Who answers is 25's subject.
 */
import { SEED } from "../../lab/clouds/cloudflare/seed";
import {
  type Answer,
  dig,
  digAll,
  digShort,
  lookUp,
  PUBLIC_RESOLVERS,
  resolveThrough,
  staticRoutes,
  tunnel,
} from "./devices";
import { capture, ensureUp, identity, NAMES, outputs, plan, pulumiOk, until } from "./intranet";
import { cloudflare } from "./lifted";
import { exec, execOk } from "./support";

const { domain, dns } = plan();
const [home, cabin, office] = [identity("home"), identity("cabin"), identity("office")];
const SERVERS = [home.v4, cabin.v4, home.v6, cabin.v6];
/** What each internal server says to the laptop. */
const fromAll = (...question: string[]): Promise<Answer[]> =>
  digAll(
    "laptop",
    SERVERS.map((server) => [`@${server}`, ...question]),
  );

let out: Record<string, any>;
beforeAll(async () => {
  await ensureUp();
  out = await outputs();
  await tunnel("laptop", "up");
  await until("the laptop is answered", async () =>
    (await fromAll(domain, "SOA")).every((a) => a.status === "NOERROR"),
  );
}, 600_000);
afterAll(async () => {
  await tunnel("laptop", "down");
  await pulumiOk(["preview", "--expect-no-changes"]);
}, 120_000);

describe("outside", () => {
  const published = async (): Promise<any[]> => {
    const zone = (await cloudflare(`/zones?name=${domain}`)).result[0];
    return (await cloudflare(`/zones/${zone.id}/dns_records?per_page=1000`)).result;
  };
  /** Every name that is declared inside, but those that its owner has outside as well. */
  const owned = SEED[0]!.records.map(({ name }) => name);
  const declared = dns!.records.filter(({ name }) => !owned.includes(name)).map(({ name }) => `${name}.${domain}`);

  test.each([...new Set([...NAMES, ...declared])])(
    "%s leads to the sinkhole, over both families, signed",
    async (name) => {
      const [v4, v6] = await digAll("visitor", [
        [name, "A"],
        [name, "AAAA"],
      ]);
      expect(v4).toMatchObject({ status: "NOERROR", records: [`A ${out.sinkhole.ipv4}`] });
      expect(v6).toMatchObject({ status: "NOERROR", records: [`AAAA ${out.sinkhole.ipv6}`] });
      for (const { flags } of [v4!, v6!]) expect(flags).toContain("ad");
    },
  );

  test("no internal name and no internal address is published", async () => {
    const records = await published();
    const names = [...new Set(records.map(({ name }) => name as string))].sort();
    expect(names).toEqual([`*.${domain}`, domain, `www.${domain}`]);
    const inside = new Set(Object.values(plan().hosts).flatMap(({ identity: { v4, v6 } }) => [v4, v6]));
    expect(records.filter(({ content }) => inside.has(content) || /^(10\.|fd)/.test(content))).toEqual([]);
    // A name of its own would be answered by its own record: an RRSIG counts the labels of what it signs (RFC 4034,
    // 3.1.3).
    const signed = await dig("visitor", ["+dnssec", `nextcloud.${domain}`, "A"]);
    expect(signed.records.find((line) => line.startsWith("RRSIG A "))).toMatch(/^RRSIG A 13 2 /);
    const www = await dig("visitor", ["+dnssec", `www.${domain}`, "A"]);
    expect(www.records.find((line) => line.startsWith("RRSIG A "))).toMatch(/^RRSIG A 13 3 /);
  });

  test("MX, TXT and www of the zone are its owner's, as they were before the stack", async () => {
    const records = await published();
    for (const { name, type, content, ttl, comment } of SEED[0]!.records) {
      const full = name === "@" ? domain : `${name}.${domain}`;
      const found = records.filter((record) => record.name === full && record.type === type);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ content, ttl, ...(comment === undefined ? {} : { comment }) });
      expect(found[0].modified_on).toBe(found[0].created_on);
    }
    expect(await digShort("visitor", [domain, "MX"])).toEqual(["10 mail.hosting.example."]);
    expect(await digShort("visitor", [domain, "TXT"])).toEqual(['"v=spf1 mx -all"']);
    expect(await digShort("visitor", [`www.${domain}`, "A"])).toEqual(["192.0.2.40"]);
  });
});

describe("inside", () => {
  test.each([
    ["nextcloud", "A", home.v4],
    ["ca", "A", home.v4],
    ["mail", "A", office.v4],
    ["ns1", "A", home.v4],
    ["ns1", "AAAA", home.v6],
    ["ns2", "A", cabin.v4],
    ["ns2", "AAAA", cabin.v6],
  ])("%s %s is %s from every server, with authority", async (name, type, address) => {
    for (const answer of await fromAll(`${name}.${domain}`, type)) {
      expect(answer).toMatchObject({ status: "NOERROR", records: [`${type} ${address}`] });
      expect(answer.flags).toContain("aa");
    }
  });

  test("an extra record is answered, also where its name leads elsewhere outside", async () => {
    for (const answer of await fromAll(`www.${domain}`, "A"))
      expect(answer).toMatchObject({ status: "NOERROR", records: [`CNAME nextcloud.${domain}.`, `A ${home.v4}`] });
  });

  test("what is not declared does not exist", async () => {
    for (const name of ["photos", "a.b", "xyz.nextcloud", "attic"])
      for (const answer of await fromAll(`${name}.${domain}`, "A"))
        expect(answer).toMatchObject({ status: "NXDOMAIN", records: [] });
  });

  test("a service has no IPv6 address: no data, and never the sinkhole's", async () => {
    for (const name of ["nextcloud", "ca", "mail"]) {
      for (const answer of await fromAll(`${name}.${domain}`, "AAAA"))
        expect(answer).toMatchObject({ status: "NOERROR", records: [] });
      expect(await lookUp("laptop", `${name}.${domain}`, 6)).toEqual([]);
    }
    // Positive control: outside the same question has an answer, and that is the sinkhole's.
    expect(await lookUp("visitor", `nextcloud.${domain}`, 6)).toEqual([out.sinkhole.ipv6]);
  });

  test("addresses have their names back", async () => {
    for (const [name, { v4, v6 }] of Object.entries({ home, cabin, office }))
      for (const address of [v4, v6])
        for (const answer of await fromAll("-x", address))
          expect(answer).toMatchObject({ status: "NOERROR", records: [`PTR ${name}.${domain}.`] });
    for (const answer of await fromAll("-x", "10.20.0.250")) expect(answer).toMatchObject({ status: "NXDOMAIN" });
  });

  test("browsers and Apple's relay are told to stay with this resolver: their names do not exist, without asking anybody", async () => {
    for (const [site, server] of [
      ["home", home.v4],
      ["cabin", cabin.v4],
    ] as const) {
      // With an empty cache the name's top-level domain would be asked for first.
      const asked = async (name: string) => {
        await execOk(site, ["rndc", "flush"]);
        let answer: Answer;
        const seen = await capture(site, "eth0", ["port", "53"], async () => {
          answer = await dig("laptop", [`@${server}`, "+dnssec", name, "A"]);
        });
        const above = ` ${name.split(".").pop()}. `;
        return { status: answer!.status, outside: seen.some((line) => line.includes(above) || line.includes(name)) };
      };
      for (const name of ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"])
        expect([name, await asked(name)]).toEqual([name, { status: "NXDOMAIN", outside: false }]);
      // Positive control: any other name is asked from the Internet's servers.
      expect(await asked("signed.example")).toEqual({ status: "NOERROR", outside: true });
    }
  });

  test("public names are looked up and validated; one with a broken signature is not answered", async () => {
    for (const server of [home.v4, cabin.v4]) {
      const good = await dig("laptop", [`@${server}`, "signed.example", "A"]);
      expect(good).toMatchObject({ status: "NOERROR" });
      expect(good.records.length).toBeGreaterThan(0);
      expect(good.flags).toContain("ad");
      expect(await dig("laptop", [`@${server}`, "broken.example", "A"])).toMatchObject({
        status: "SERVFAIL",
        records: [],
      });
      // Positive control: the answer is there for one who does not mind.
      const unchecked = await dig("laptop", [`@${server}`, "+cd", "broken.example", "A"]);
      expect(unchecked.status).toBe("NOERROR");
      expect(unchecked.records.length).toBeGreaterThan(0);
      expect(unchecked.flags).not.toContain("ad");
    }
  });

  test("a device with the tunnel up resolves through it, and goes back to its network's resolver afterwards", async () => {
    const resolvers = async () =>
      (await execOk("laptop", ["cat", "/etc/resolv.conf"])).match(/(?<=^nameserver )\S+/gm) ?? [];
    expect(await resolvers()).toEqual([home.v4, cabin.v4]);
    expect(await lookUp("laptop", `nextcloud.${domain}`)).toEqual([home.v4]);
    await tunnel("laptop", "down");
    expect(await resolvers()).toEqual(PUBLIC_RESOLVERS);
    expect(await lookUp("laptop", `nextcloud.${domain}`)).toEqual([out.sinkhole.ipv4]);
    await tunnel("laptop", "up");
    await until("the name", async () => (await lookUp("laptop", `nextcloud.${domain}`))[0] === home.v4);
  });

  test("the doctor says on the tv what is wrong, and what to enter makes it right", async () => {
    const doctor = () => exec("tv", ["sh", "-s", "signed.example"], { stdin: out.dns.doctor });
    await staticRoutes("home", "entered");
    try {
      const wrong = await doctor();
      expect(wrong.code).toBe(1);
      expect(wrong.stdout).toMatch(new RegExp(`^WRONG .*${PUBLIC_RESOLVERS[0]}`, "m"));
      expect(wrong.stdout).toContain(out.dns.dhcp.trim());
      const entered = /DNS servers \(option 6\)\s+(.*)$/m.exec(out.dns.dhcp)![1]!.split(/,\s*/);
      expect(entered).toEqual([home.v4, cabin.v4]);
      await resolveThrough("tv", entered);
      const right = await doctor();
      expect({ code: right.code, wrong: right.stdout.match(/^WRONG .*$/gm) }).toEqual({ code: 0, wrong: null });
      expect(right.stdout).toContain(home.v4);
      expect(await lookUp("tv", `nextcloud.${domain}`)).toEqual([home.v4]);
    } finally {
      await resolveThrough("tv");
      await staticRoutes("home", "removed");
    }
  }, 60_000);
});
