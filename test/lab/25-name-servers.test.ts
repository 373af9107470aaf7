/** The name servers: who may ask, who gets the zones, how the second keeps in step, and that one of them is enough. */
import { CABIN, HOME, OFFICE } from "../../lab/constants";
import { COPIES, KEY_FILE, SERVED } from "../../components/internal-dns/render";
import { dig, digAll, lookUp, PUBLIC_RESOLVERS, resolveThrough, staticRoutes, tunnel } from "./devices";
import { changedConfig, ensureUp, identity, outputs, plan, plannedSteps, pulumiOk, until, up } from "./intranet";
import { listening } from "./lifted";
import { exec, execOk, lab, probe } from "./support";

const { domain, links, space } = plan();
const [home, cabin, office] = [identity("home"), identity("cabin"), identity("office")];
const SERVERS = [home.v4, cabin.v4, home.v6, cabin.v6];
/** Hosts that ask the name servers as programs of a managed host do. */
const MANAGED = ["vps", "home", "cabin", "office"];

let out: Record<string, any>;
beforeAll(async () => {
  await ensureUp();
  out = await outputs();
  await tunnel("laptop", "up");
  await until("the laptop is answered", async () => (await serials()).every((serial) => serial > 0));
  // Whoever used the lab before may have cut the links while the first server told the second of a change.
  await execOk("cabin", ["rndc", "refresh", domain]);
}, 600_000);
afterAll(async () => {
  await tunnel("laptop", "down");
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 120_000);

/** The zone's serial at home's server and at cabin's; 0 where there is no answer. */
const serials = async (): Promise<[number, number]> => {
  const answers = await digAll(
    "laptop",
    [home.v4, cabin.v4].map((server) => [`@${server}`, domain, "SOA"]),
  );
  return answers.map(({ records }) => Number(records[0]?.split(" ")[3] ?? 0)) as [number, number];
};
/** The serial that both have; fails where they differ after ten seconds. */
const inStep = () =>
  until(
    "both servers have the same serial",
    async () => {
      const [first, second] = await serials();
      return first === second && first;
    },
    10,
  );

describe("who may ask", () => {
  test("the servers listen on their addresses in the space and on the loopback, nowhere else; the VPS is none", async () => {
    const at = async (host: string) => {
      const sockets = (await listening(host)).filter(({ port }) => port === 53);
      return [...new Set(sockets.map(({ address }) => address.replace(/^\[|\]$|%.*$/g, "")))];
    };
    const stubs = ["127.0.0.53", "127.0.0.54"];
    const loopback = ["127.0.0.1", "::1"];
    for (const [site, { v4, v6 }, lan] of [
      ["home", home, "10.20.0.10"],
      ["cabin", cabin, "10.30.0.10"],
    ] as const)
      expect((await at(site)).filter((a) => !stubs.includes(a)).sort()).toEqual([...loopback, v4, v6, lan].sort());
    for (const host of ["vps", "office"]) expect((await at(host)).filter((a) => !stubs.includes(a))).toEqual([]);
  });

  test("a stranger gets no answer by any way", async () => {
    const prefix = space.v4;
    const targets = [
      out.sinkhole.ipv4,
      out.sinkhole.ipv6,
      ...[HOME, CABIN, OFFICE].flatMap(({ wan }) => [wan.ipv4, wan.ipv6]),
      ...[HOME, CABIN].map(({ lan }) => lan.ipv6Prefix.replace("/64", "10")),
      home.v4,
      "10.20.0.10",
    ];
    await exec("internet", ["ip", "route", "replace", prefix, "via", out.sinkhole.ipv4]);
    try {
      const tried = targets.flatMap((to) => [
        probe("visitor", to, { protocol: "dns", host: "signed.example", timeout: 1 }),
        probe("visitor", to, { protocol: "dns", host: `nextcloud.${domain}`, timeout: 1 }),
        probe("visitor", to, { protocol: "tcp", port: 53, timeout: 1 }),
      ]);
      const answered = (await Promise.all(tried)).filter(({ fate }) => /accepted|application/.test(fate));
      expect(answered).toEqual([]);
    } finally {
      await exec("internet", ["ip", "route", "del", prefix]);
    }
    // Positive control: the same probe with an answer.
    expect(await probe("visitor", PUBLIC_RESOLVERS[0]!, { protocol: "dns", host: "signed.example" })).toMatchObject({
      fate: "accepted",
    });
    expect(await probe("laptop", home.v4, { protocol: "dns", host: "signed.example" })).toMatchObject({
      fate: "accepted",
    });
  }, 120_000);

  test("a question from outside the space that reaches a server is refused, also one for a public name", async () => {
    for (const { router, lan, wan, server } of [
      { ...HOME, server: "10.20.0.10" },
      { ...CABIN, server: "10.30.0.10" },
    ]) {
      for (const name of ["signed.example", `nextcloud.${domain}`, domain]) {
        const foreign = await dig(router, ["-b", wan.ipv4, `@${server}`, name, "A"]);
        expect(foreign).toMatchObject({ status: "REFUSED", records: [] });
        expect(await dig(router, ["-b", lan.ipv4Gateway, `@${server}`, name, "A"])).toMatchObject({
          status: "NOERROR",
        });
      }
    }
  });
});

describe("zone transfers", () => {
  const transfer = async (host: string, args: string[]) =>
    (await exec(host, ["dig", "+time=3", "+tries=1", ...args, domain, "AXFR"])).stdout;

  test("nobody gets the zone without the key", async () => {
    for (const server of [home.v4, cabin.v4])
      for (const host of ["laptop", "home", "cabin"]) {
        const said = await transfer(host, [`@${server}`]);
        expect(said).toMatch(/Transfer failed/);
        expect(said).not.toContain(`nextcloud.${domain}`);
      }
    const wrong = await transfer("laptop", [`@${home.v4}`, "-y", `hmac-sha256:intranet-transfer:${"A".repeat(43)}=`]);
    expect(wrong).toMatch(/BADSIG|Transfer failed|failed/);
    expect(wrong).not.toContain(`nextcloud.${domain}`);
  });

  test("with the key the secondary gets all of it", async () => {
    const said = await transfer("cabin", [`@${home.v4}`, "-k", KEY_FILE]);
    expect(said).toMatch(new RegExp(`^nextcloud\\.${domain}\\.\\s.*A\\s+${home.v4}$`, "m"));
    expect(said).toMatch(/^;; XFR size: \d+ records/m);
  });
});

test("one more record is one change on one host, the second server has it within seconds, and taken away it is gone", async () => {
  const before = await inStep();
  const more = changedConfig((network) => {
    const record = { name: "printer", type: "A", data: "10.40.0.20" };
    network.dns.extraRecords = [...(network.dns.extraRecords ?? []), record];
  });
  const steps = await plannedSteps(more);
  expect(steps.map(({ op, type }) => [op, type])).toEqual([["update", "pulumi-nodejs:dynamic/intranet/host:HostRole"]]);
  const fromAll = async () => {
    const questions = SERVERS.map((server) => [`@${server}`, `printer.${domain}`, "A"]);
    return (await digAll("laptop", questions)).map(({ status, records }) => [status, ...records]);
  };
  expect(await fromAll()).toEqual(SERVERS.map(() => ["NXDOMAIN"]));
  await up(more);
  const between = await inStep();
  try {
    expect(between).toBeGreaterThan(before);
    expect(await fromAll()).toEqual(SERVERS.map(() => ["NOERROR", "A 10.40.0.20"]));
  } finally {
    await ensureUp();
  }
  expect(await inStep()).toBeGreaterThan(between);
  expect(await fromAll()).toEqual(SERVERS.map(() => ["NXDOMAIN"]));
}, 240_000);

test("the serial outlives a restart, and the second server keeps a copy that is good for more than a day", async () => {
  const before = await inStep();
  for (const host of ["home", "cabin"]) await execOk(host, ["systemctl", "restart", "named.service"]);
  await until("both answer as before", async () => (await serials()).every((serial) => serial === before), 15);
  expect(await execOk("home", ["cat", `${SERVED}/${domain}.zone`])).toContain(String(before));
  expect(await execOk("cabin", ["cat", `${COPIES}/${domain}.zone`])).toContain(String(before));
  const expire = (await dig("laptop", [`@${cabin.v4}`, domain, "SOA"])).records[0]!.split(" ")[6];
  expect(Number(expire)).toBeGreaterThan(86_400);
});

describe("when a server is gone", () => {
  /** What a managed host's programs get, past the cache of its own resolver. */
  const hostLookUp = async (host: string, name: string) =>
    (await exec(host, ["resolvectl", "--cache=no", "--legend=no", "query", "-4", name])).stdout;
  const hostResolves = async (host: string) =>
    (await hostLookUp(host, `mail.${domain}`)).includes(office.v4) &&
    / \d+\.\d+\.\d+\.\d+/.test(await hostLookUp(host, "signed.example"));
  const deviceResolves = async (device: string) =>
    (await lookUp(device, `mail.${domain}`))[0] === office.v4 && (await lookUp(device, "signed.example")).length > 0;
  const reaches = async (host: string, address: string) =>
    (await exec(host, ["ping", "-c", "1", "-W", "1", address])).code === 0;
  const DEVICES = ["laptop", "phone", "camera", "printer"];
  const everyone = (hosts: readonly string[]) =>
    Promise.all([
      ...DEVICES.map((device) => until(`${device} resolves`, () => deviceResolves(device), 60)),
      ...hosts.map((host) => until(`${host} resolves`, () => hostResolves(host), 60)),
    ]);

  beforeAll(async () => {
    await tunnel("phone", "up");
    await staticRoutes("office", "entered");
    for (const device of ["camera", "printer"]) await resolveThrough(device, [home.v4, cabin.v4]);
    await everyone(MANAGED);
  }, 120_000);
  afterAll(async () => {
    for (const device of ["camera", "printer"]) await resolveThrough(device);
    await staticRoutes("office", "removed");
    await tunnel("phone", "down");
  });

  test("with cabin's server stopped everyone resolves by home's", async () => {
    await execOk("cabin", ["systemctl", "stop", "named.service"]);
    try {
      await execOk("home", ["rndc", "flush"]);
      await everyone(MANAGED);
    } finally {
      await execOk("cabin", ["systemctl", "start", "named.service"]);
    }
  }, 120_000);

  test("with home switched off everyone resolves by cabin's", async () => {
    await execOk("cabin", ["rndc", "flush"]);
    expect((await lab(["off", "home"])).code).toBe(0);
    try {
      expect((await probe("laptop", home.v4, { timeout: 1 })).fate).not.toBe("accepted");
      await everyone(MANAGED.filter((host) => host !== "home"));
    } finally {
      await lab(["on", "home"]);
    }
    await until("home answers for names again", async () => (await serials())[0] > 0);
    await inStep();
    await everyone(MANAGED);
  }, 300_000);

  test("tunnels need no names: without any server a host that is reset comes back", async () => {
    const files = await Promise.all(
      MANAGED.map((host) =>
        execOk(host, ["sh", "-c", "cat /etc/wireguard/*.conf | grep -i ^Endpoint"]).catch(() => ""),
      ),
    );
    const endpoints = [...files, ...Object.values(out.devices).map((device: any) => device.configuration as string)]
      .join("\n")
      .match(/(?<=Endpoint\s*=\s*)\S+/gi)!;
    // One on each end that dials.
    expect(endpoints.length).toBeGreaterThanOrEqual(links.length + 2);
    for (const endpoint of endpoints) expect(endpoint).toMatch(/^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+$/);

    for (const host of ["home", "cabin"]) await execOk(host, ["systemctl", "stop", "named.service"]);
    try {
      expect(await hostLookUp("vps", `mail.${domain}`)).toBe("");
      expect((await lab(["off", "office"])).code).toBe(0);
      expect(await reaches("vps", office.v4)).toBe(false);
      expect((await lab(["on", "office"])).code).toBe(0);
      await until("the vps reaches office", () => reaches("vps", office.v4));
      await tunnel("laptop", "up");
      await until("the laptop reaches office", () => reaches("laptop", office.v4));
      expect(await hostLookUp("vps", `mail.${domain}`)).toBe("");
    } finally {
      for (const host of ["home", "cabin"]) await execOk(host, ["systemctl", "start", "named.service"]);
    }
    await everyone(MANAGED);
  }, 240_000);
});
