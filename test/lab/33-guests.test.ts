/**
 * Guests who do not behave: whatever they say at the VPS or at a service's own address, they get ACCESS DENIED or
 * nothing, and hurt nobody.
 */
import { GUEST_PREFIX } from "../../model";
import { capture, curl, ensureUp, identity, pulumiOk, until, up } from "./intranet";
import { hetzner, liftedCloudFirewall } from "./lifted";
import {
  BLOG,
  ensurePublic,
  everybodyReaches,
  FORUM,
  guestAddress,
  ownAddresses,
  type Places,
  places,
  publicConfig,
  VISITOR,
  VISITOR4,
  whoVisits,
} from "./public";
import { withOpenPort } from "./traffic";
import { exec, execOk, labOk, probe } from "./support";
import { type Answer, type Hello, sayHello, sayHellos, visit, withHalfHellos } from "./visitors";

const NEXTCLOUD = "nextcloud.intranet.example";
/** What a TLS server shows whom it does not let in. */
const DENIED = "CN=ACCESS DENIED";

let at: Places;
beforeAll(async () => {
  await ensureUp();
  at = await ensurePublic();
}, 900_000);
afterAll(async () => {
  await labOk(["routed", "vps"]);
  await up();
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 400_000);

/**
 * Packets in a guest's name, to a service or to anything else. What comes to a guest is no such thing: a service sends
 * the end of an earlier connection again for minutes.
 */
const asGuests = (during: () => Promise<unknown>): Promise<string[]> =>
  capture("vps", "any", [`src net ${GUEST_PREFIX}`], during);

/** No such packets, once the last of earlier connections have been sent. */
async function nothingAsGuests(during: () => Promise<unknown>): Promise<void> {
  const seconds = (count: number) => new Promise((done) => setTimeout(done, count * 1000));
  await until("earlier guests have left", async () => (await asGuests(() => seconds(3))).length === 0);
  expect(await asGuests(during)).toEqual([]);
}

/** Expects what came back to be the denied page's certificate, or nothing at all. */
function expectDenied(what: string, { subject, names, text, ended }: Answer): void {
  if (subject !== undefined) expect([what, subject, names]).toEqual([what, DENIED, undefined]);
  else expect([what, ended]).toEqual([what, expect.stringMatching(/answered|closed|reset|silence/)]);
  expect([what, text]).toEqual([what, expect.not.stringContaining("of-the-lab")]);
}

const HELLOS: [string, Hello][] = [
  ["an unknown name", { name: "other.intranet.example" }],
  ["a foreign name", { name: "www.bank.example" }],
  ["no name", {}],
  ["an internal service's name", { name: NEXTCLOUD }],
  ["a host's name", { name: "home.intranet.example" }],
  ["the name of the CA", { name: "ca.intranet.example" }],
  ["the apex", { name: "intranet.example" }],
  ["a name below a public one", { name: `a.${BLOG}` }],
  ["a name that only ends alike", { name: `x${BLOG}` }],
  ["an IPv4 address as name", { name: "10.20.0.10" }],
  ["loopback as name", { name: "127.0.0.1" }],
  ["localhost", { name: "localhost" }],
  ["an IPv6 address as name", { name: "[::1]" }],
  ["a public name with a NUL and more behind it", { name: `${BLOG}\0.bank.example` }],
  ["a public name with a line break", { name: `${BLOG}\n${NEXTCLOUD}` }],
  ["a variable of the proxy's", { name: "$upstream" }],
  ["an empty name", { name: "" }],
  ["a name of 255 characters", { name: "a".repeat(255) }],
  ["64 KiB with an unknown name", { name: "other.intranet.example", size: 65_535 }],
  ["64 KiB with an internal name", { name: NEXTCLOUD, size: 65_535 }],
  ["64 KiB without a name", { size: 65_535 }],
  ["one byte a segment, an unknown name", { name: "other.intranet.example", chunk: 1 }],
  ["one byte a segment, an internal name", { name: NEXTCLOUD, chunk: 1 }],
  ["one byte a segment, no name", { chunk: 1 }],
  ["plain HTTP", { plain: `GET / HTTP/1.1\r\nHost: ${BLOG}\r\n\r\n` }],
  ["plain HTTP through a proxy", { plain: `CONNECT ${NEXTCLOUD}:443 HTTP/1.1\r\nHost: ${NEXTCLOUD}\r\n\r\n` }],
  ["the PROXY protocol", { plain: `PROXY TCP4 10.20.0.10 10.20.0.10 1 443\r\n` }],
  ["SSH", { plain: "SSH-2.0-OpenSSH_9.9\r\n", seconds: 3 }],
  ["half a hello", { name: BLOG, first: 60, seconds: 3 }],
];

describe("at the VPS's addresses", () => {
  test("a hello with a public name is answered by that service; else nothing here would mean anything", async () => {
    for (const name of [BLOG, FORUM, BLOG.toUpperCase()]) {
      let answer: Answer | undefined;
      const seen = await asGuests(async () => (answer = await sayHello("visitor4", at.ipv4, { name })));
      expect([name, answer]).toEqual([name, expect.objectContaining({ names: `DNS:${name.toLowerCase()}` })]);
      expect(seen.some((line) => line.includes(`${guestAddress(VISITOR4)}.`))).toBe(true);
    }
  });

  test("every other hello is denied, and nothing is asked for in a guest's name", async () => {
    const said = HELLOS.map(([, hello]) => hello);
    let guests: Answer[] = [];
    await nothingAsGuests(async () => (guests = await sayHellos("visitor4", at.ipv4, said)));
    const others = await sayHellos("visitor", at.ipv6, said);
    for (const [index, [what]] of HELLOS.entries())
      for (const answers of [guests, others]) expectDenied(what, answers[index]!);
    // Most of them are answered: it is not silence that makes this pass.
    expect(guests.filter(({ subject }) => subject === DENIED).length).toBeGreaterThan(10);
  }, 120_000);

  test("a public name in a hello of 64 KiB or of one-byte segments leads to that service or to nothing", async () => {
    for (const hello of [
      { name: BLOG, size: 65_535 },
      { name: BLOG, chunk: 1 },
    ] as Hello[]) {
      const { subject, names } = await sayHello("visitor4", at.ipv4, hello);
      expect([undefined, DENIED, "blog"]).toContain(names === `DNS:${BLOG}` ? "blog" : subject);
    }
  });

  test("over IPv6 a public name at the VPS's own address is denied as well: it is not there", async () => {
    const denied = await curl("visitor", ["-k", "--resolve", `${BLOG}:443:[${at.ipv6}]`, `https://${BLOG}/`]);
    expect([denied.status, denied.body]).toEqual([403, expect.stringContaining("ACCESS DENIED")]);
  });

  test("who goes on after the hello gets the 403 page, whatever is asked for", async () => {
    const tries: string[][] = [
      [`https://${at.ipv4}/`],
      ["--resolve", `${NEXTCLOUD}:443:${at.ipv4}`, `https://${NEXTCLOUD}/`],
      ["--resolve", `other.example:443:${at.ipv4}`, "-H", `Host: ${BLOG}`, "https://other.example/"],
      ["-H", `Host: ${NEXTCLOUD}`, `http://${at.ipv4}/`],
      ["-H", "Host: 10.20.0.10", `http://${at.ipv4}/.well-known/acme-challenge/x`],
      ["-H", `Host: ${NEXTCLOUD}`, `http://${at.ipv4}/.well-known/acme-challenge/x`],
      ["--request-target", `http://${NEXTCLOUD}/`, `http://${at.ipv4}/`],
    ];
    await nothingAsGuests(async () => {
      for (const args of tries) {
        const { status, body } = await curl("visitor4", ["--insecure", ...args]);
        expect([args, status, body]).toEqual([args, 403, expect.stringContaining("ACCESS DENIED")]);
      }
    });
  }, 120_000);

  test("at port 80 a guest gets the way of the challenge of a public name, and else a redirect", async () => {
    const asked = (path: string) => curl("visitor4", ["--include", `http://${BLOG}${path}`]);
    const redirect = await asked("/some/path");
    expect([redirect.status, redirect.body]).toEqual([308, expect.stringContaining(`https://${BLOG}/some/path`)]);
    let challenge = { status: 0, body: "" };
    const passed = await capture("vps", "any", [`dst host ${at.blog} and port 80`], async () => {
      challenge = await asked("/.well-known/acme-challenge/none");
    });
    expect(passed.length).toBeGreaterThan(0);
    expect(challenge.status).not.toBe(403);
    expect(challenge.body).not.toMatch(/of-the-lab|ACCESS DENIED/);
  });
});

describe("at a service's own address", () => {
  test("every hello but with its own name is denied there too", async () => {
    const answers = await sayHellos(
      "visitor",
      at.blog,
      HELLOS.map(([, hello]) => hello),
    );
    for (const [index, [what]] of HELLOS.entries()) expectDenied(what, answers[index]!);
    expect(await sayHello("visitor", at.blog, { name: BLOG })).toMatchObject({ names: `DNS:${BLOG}` });
  }, 120_000);

  test("the name in the encryption is the service's, the name that is asked for is not: no backend", async () => {
    for (const host of [NEXTCLOUD, FORUM, "10.20.0.10"]) {
      const mixed = await visit("visitor", BLOG, ["-H", `Host: ${host}`]);
      expect([host, [403, 404, 421].includes(mixed.status)]).toEqual([host, true]);
      expect(mixed.body).not.toContain("of-the-lab");
    }
  });

  test("no port answers but those of the web; not sshd, not the host's other services", async () => {
    for (const address of [at.blog, at.forum]) {
      const ports = async () =>
        JSON.parse(await labOk(["scan", "visitor", address, "--json", "--last", "10000"], { timeoutSeconds: 100 }));
      expect([address, (await ports()).accepted]).toEqual([address, [80, 443]]);
    }
    // They are there: from inside they answer at the host's identity.
    for (const [host, port] of [
      ["home", 7777],
      ["office", 2525],
    ] as const)
      await withOpenPort(host, port, async () =>
        expect((await probe("vps", identity(host).v6, { port })).fate).toBe("accepted"),
      );
  }, 120_000);
});

describe("who claims to be a guest", () => {
  const claimed = guestAddress("203.0.113.7");
  /** Sends pings from the visitor, by that source, to each address. */
  const ping = async (source: string, ...targets: string[]): Promise<void> => {
    for (const to of targets)
      await exec("visitor", ["ping", "-n", "-c", "2", "-i", "0.3", "-W", "1", "-I", source, to]);
  };

  test("on the WAN is dropped: nothing reaches a tunnel, nothing is answered", async () => {
    await execOk("visitor", ["ip", "-6", "address", "add", `${claimed}/128`, "dev", "lo", "nodad"]);
    try {
      const seen = await capture("vps", "any", [`host ${claimed}`], () => ping(claimed, at.ipv6, at.blog, at.forum));
      expect(seen.some((line) => / eth0 +In /.test(line))).toBe(true); // they came this far
      expect(seen.filter((line) => !/ eth0 +In /.test(line))).toEqual([]);
      // Positive control: by the visitor's own address the same pings are answered.
      for (const to of [at.ipv6, at.blog, at.forum]) expect((await probe("visitor", to)).fate).toBe("accepted");
    } finally {
      await exec("visitor", ["ip", "-6", "address", "del", `${claimed}/128`, "dev", "lo"]);
    }
  }, 120_000);

  test("nobody is reached by a guest's address: not from the WAN, not from inside, and sshd does not answer there", async () => {
    const guest = guestAddress(VISITOR4);
    await execOk("internet", ["ip", "-6", "route", "add", GUEST_PREFIX, "via", "fe80::2", "dev", "vps"]);
    try {
      // Without the cloud's firewall, which lets a stranger in by the ports of the web alone.
      await liftedCloudFirewall(async () => {
        for (const port of [22, 80, 443]) {
          let fate = "";
          const seen = await capture("vps", "any", [`src host ${VISITOR} and dst host ${guest}`], async () => {
            ({ fate } = await probe("visitor", guest, { port, timeout: 2 }));
          });
          expect([port, fate]).toEqual([port, "filtered"]);
          expect(seen.some((line) => / eth0 +In /.test(line))).toBe(true);
          expect(seen.filter((line) => !/ eth0 +In /.test(line))).toEqual([]);
        }
      });
    } finally {
      await exec("internet", ["ip", "-6", "route", "del", GUEST_PREFIX]);
    }
    // From a service's address it goes to the VPS, as answers to guests do; without a guest's connection nobody is
    // there.
    const knock =
      "import socket,sys; s=socket.create_connection((sys.argv[1],int(sys.argv[2])),3,source_address=(sys.argv[3],0))";
    for (const port of ["22", "80", "443"]) {
      let knocked;
      const seen = await capture("vps", "any", [`dst host ${guest}`], async () => {
        knocked = await exec("home", ["python3", "-c", knock, guest, port, at.blog]);
      });
      expect([port, knocked!.code]).not.toEqual([port, 0]);
      expect(seen.some((line) => / wg-\S+ +In /.test(line))).toBe(true);
      expect((await probe("home", guest, { port: Number(port), timeout: 2 })).fate).not.toBe("accepted");
    }
    expect((await probe("home", identity("vps").v6, { port: 80 })).fate).toBe("accepted");
  }, 120_000);
});

describe("who wants to hurt", () => {
  test("with hundreds of half hellos hinders nobody else", async () => {
    const open = await withHalfHellos("visitor4", at.ipv4, 300, async () => {
      for (const name of [BLOG, FORUM]) {
        expect((await visit("laptop", name, ["-4"])).status).toBe(200);
        expect((await visit("visitor", name)).status).toBe(200);
      }
      expect((await curl("laptop", ["-k", `https://${at.ipv4}/`])).status).toBe(403);
    });
    expect(open).toBeGreaterThan(0);
    await until("and is served again", async () => (await visit("visitor4", BLOG)).status === 200, 60);
  }, 120_000);

  test("leaves every server as it was: none of them was started again", async () => {
    for (const [host, unit] of [
      ["vps", "nginx"],
      ["home", "caddy"],
      ["office", "caddy"],
    ] as const)
      expect(await execOk(host, ["systemctl", "show", "-p", "NRestarts", "-p", "ActiveState", unit])).toBe(
        "NRestarts=0\nActiveState=active\n",
      );
  });
});

describe("after a power cut", () => {
  test.each(["vps", "home", "office"])(
    "of %s everybody is served again",
    async (host) => {
      await labOk(["reset", host]);
      await everybodyReaches(240);
      expect(await whoVisits("visitor", BLOG)).toBe(VISITOR);
      expect(await whoVisits("visitor4", FORUM)).toBe(guestAddress(VISITOR4));
      expect(await ownAddresses()).toEqual([`${at.ipv6}/128`]);
    },
    300_000,
  );
});

test("a server made anew in place of the VPS has its addresses, and everybody is served again", async () => {
  const { resources } = JSON.parse(await pulumiOk(["stack", "export"])).deployment;
  const server = resources.find((one: any) => one.type === "hcloud:index/server:Server");
  await pulumiOk(["up", "--yes", "--skip-preview", "--replace", server.urn, ...publicConfig()], {
    timeoutSeconds: 500,
  });
  const [now] = (await hetzner("/servers?name=vps")).servers;
  expect(String(now.id)).not.toBe(server.id);
  expect(await places()).toEqual(at);
  expect(await ownAddresses()).toEqual([`${at.ipv6}/128`]);
  await everybodyReaches(180);
  expect(await whoVisits("visitor", BLOG)).toBe(VISITOR);
  expect(await whoVisits("visitor4", FORUM)).toBe(guestAddress(VISITOR4));
}, 700_000);

test("a cloud that delivers on-link: unreachable until the VPS is told, and then as before", async () => {
  await labOk(["on-link", "vps"]);
  expect((await probe("visitor", at.ipv6)).fate).toBe("accepted");
  expect((await probe("visitor", at.blog, { port: 443, timeout: 8 })).fate).toBe("unreachable");
  const config = publicConfig((network) => (network.sinkhole.delivery = "on-link"));
  await up(config);
  await everybodyReaches(180);
  // By IPv6 as soon as the cloud has asked for the address; until then a client takes IPv4.
  await until("the visitor comes by IPv6", async () => (await whoVisits("visitor", BLOG)) === VISITOR, 30);
  // It answers for the services' addresses and for no other.
  const unused = at.blog.replace(/:[^:]*$/, ":fffe");
  expect((await probe("visitor", unused, { timeout: 8 })).fate).toBe("unreachable");
  expect((await execOk("vps", ["ip", "-6", "neighbour", "show", "proxy"])).trim().split("\n").sort()).toEqual(
    [at.blog, at.forum].sort().map((address) => expect.stringContaining(address)),
  );
  await pulumiOk(["preview", "--refresh", "--expect-no-changes", ...config]);
}, 400_000);
