/** Who reaches what, by packets: strangers end at the sinkhole, friends reach the service, the LAN stays at home. */
import { CABIN, HOME, MAIL_PORT, OFFICE, PEER_PORT } from "../../lab/constants";
import { staticRoutes, tunnel } from "./devices";
import { capture, curl, ensureUp, NAMES, outputs, plan, until } from "./intranet";
import { liftedCloudFirewall, listening } from "./lifted";
import { makeServer, removeServer } from "./servers";
import { exec, execOk, labOk, probe, status } from "./support";
import { whoAsked, withOpenPort, withRule } from "./traffic";

const { hosts, sites, links, devices, deviceHub, space } = plan();
/** The service's host: its address on the LAN, its identity, and both ends of its tunnel. */
const home = { lan: sites["home"]!.hostAddress, identity: hosts["home"]!.identity };
const link = links.find(({ b }) => b.host === "home")!;
const laptop = devices["laptop"]!;
const CONTROL_PORT = 4711; // nobody declares it
/** A stranger in the same data centre. */
const NEIGHBOUR = "neighbour";
/**
 * The TCP ports of `target` that answer with a handshake, seen from the visitor: all 65,535 are tried, or those up to
 * `last`.
 */
async function scanTcp(target: string, last = 65_535): Promise<number[]> {
  const found = JSON.parse(
    await labOk(["scan", "visitor", target, "--json", "--last", String(last)], { timeoutSeconds: 200 }),
  );
  expect(found.accepted.length + found.refused + found.filtered + found.unreachable).toBe(last);
  return found.accepted;
}

let out: Record<string, any>;
/** The root certificate on the laptop, the phone and the tv: all that they are told to trust. */
const ROOT_FILE = "/root/intranet-root.pem";
beforeAll(async () => {
  await ensureUp();
  out = await outputs();
  for (const device of ["laptop", "phone", "tv"])
    await exec(device, ["sh", "-c", 'cat > "$1"', "sh", ROOT_FILE], {
      stdin: out["certificateAuthority"].rootCertificate,
    });
}, 600_000);

/** Asks for the service by https at one of its addresses, with the root as all that is trusted. */
const askNextcloud = (device: string, address: string, more: string[] = []) =>
  curl(device, [
    "--cacert",
    ROOT_FILE,
    "--resolve",
    `nextcloud.intranet.example:443:${address.includes(":") ? `[${address}]` : address}`,
    ...more,
    "https://nextcloud.intranet.example/",
  ]);

/**
 * Runs `during` while the Internet has routes for the space: through a host that hangs on it by that name, at its IPv4
 * address.
 */
async function withStaticRoutes(attachment: string, address: string, during: () => Promise<unknown>): Promise<void> {
  const routes = [
    ["ip", "route", "replace", space.v4, "via", address],
    ["ip", "-6", "route", "replace", space.v6, "via", "fe80::2", "dev", attachment],
  ];
  try {
    for (const route of routes) await execOk("internet", route);
    await during();
  } finally {
    await exec("internet", ["ip", "route", "del", space.v4]);
    await exec("internet", ["ip", "-6", "route", "del", space.v6]);
  }
}

describe("a stranger", () => {
  test.each(
    NAMES.flatMap((name) =>
      [4, 6].flatMap((family) => ["http", "https"].map((scheme) => [name, family, scheme] as const)),
    ),
  )("%s over IPv%d by %s leads to the VPS and is denied", async (name, family, scheme) => {
    const answer = await curl("visitor", ["--insecure", `-${family}`, `${scheme}://${name}/some/path?q=1`]);
    expect(answer).toMatchObject({ status: 403, address: family === 4 ? out.sinkhole.ipv4 : out.sinkhole.ipv6 });
    expect(answer.body).toContain("ACCESS DENIED");
  });

  test("the bare addresses are denied as well, and the certificate is one that nobody trusts", async () => {
    for (const host of [out.sinkhole.ipv4, `[${out.sinkhole.ipv6}]`]) {
      const answer = await curl("visitor", ["--insecure", "--globoff", `https://${host}/`]);
      expect(answer.status).toBe(403);
      expect(answer.body).toContain("ACCESS DENIED");
    }
    const trusting = await curl("visitor", ["https://nextcloud.intranet.example/"]);
    expect(trusting.status).toBe(0);
    expect(trusting.stderr).toMatch(/self-signed certificate/i);
    const shown = await exec(
      "visitor",
      ["openssl", "s_client", "-connect", `${out.sinkhole.ipv4}:443`, "-servername", "nextcloud.intranet.example"],
      { stdin: "" },
    );
    expect(shown.stdout).toMatch(/subject=\s*CN\s*=\s*ACCESS DENIED/);
  });

  test("of the 65,535 TCP ports only 80 and 443 answer, on both families; with the filters lifted, others do too", async () => {
    const scanned = (last?: number) =>
      Promise.all([out.sinkhole.ipv4, out.sinkhole.ipv6].map((target) => scanTcp(target, last)));
    const both = (...ports: number[]) => [ports, ports];
    expect(await scanned()).toEqual(both(80, 443));
    // Positive control: the same scanner finds what is behind the cloud's firewall, and then what is behind the host's
    // own.
    const listener = `import socket; socket.create_server(("::", ${CONTROL_PORT}), family=socket.AF_INET6, dualstack_ipv6=True).accept()`;
    await execOk("vps", ["systemd-run", "--collect", "--unit", "control", "python3", "-c", `while True: ${listener}`]);
    try {
      await liftedCloudFirewall(async () => {
        expect(await scanned(CONTROL_PORT)).toEqual(both(22, 80, 443));
        await withRule("vps", "inet intranet input", `tcp dport ${CONTROL_PORT} accept`, async () => {
          expect(await scanned(CONTROL_PORT)).toEqual(both(22, 80, 443, CONTROL_PORT));
        });
      });
    } finally {
      await exec("vps", ["systemctl", "stop", "control.service"]);
    }
    expect(await probe("visitor", out.sinkhole.ipv4, { port: 22 })).toMatchObject({ fate: "filtered" });
    expect(await probe("operator", out.sinkhole.ipv4, { port: 22 })).toMatchObject({ fate: "accepted" });
  }, 300_000);

  describe("reaches nothing of the space through the VPS, even with a static route", () => {
    const targets = [home.lan, ...["home", "office", "vps"].flatMap((host) => Object.values(hosts[host]!.identity))];
    let strangers: Record<string, string[]>;
    beforeAll(async () => {
      const { ipv4, ipv6 } = await makeServer(NEIGHBOUR);
      const visitor = (await status()).hosts.find(({ name }) => name === "visitor")!;
      strangers = { visitor: [visitor.ipv4!, visitor.ipv6!], [NEIGHBOUR]: [ipv4, ipv6] };
    }, 90_000);
    afterAll(() => removeServer(NEIGHBOUR), 60_000);

    test.each(["visitor", NEIGHBOUR])("%s", async (from) => {
      const filter = [strangers[from]!.map((address) => `host ${address}`).join(" or ")];
      const attempt = async () => {
        const tried = targets.map((to) => probe(from, to, { port: 80, timeout: 1 }));
        return (await Promise.all(tried)).map(({ fate }) => fate);
      };
      await withStaticRoutes("vps", out["sinkhole"].ipv4, async () => {
        let fates: string[] = [];
        const seen = await capture("vps", "any", filter, async () => (fates = await attempt()));
        expect(fates).toEqual(targets.map(() => "filtered"));
        expect(seen.filter((line) => line.includes(" wg-"))).toEqual([]);
        expect(seen.filter((line) => line.includes(" eth0 ")).length).toBeGreaterThan(0); // they came this far
        // Positive control: with the forward chain lifted the same packets are in the tunnel, of both families.
        await withRule("vps", "inet intranet forward", "accept", async () => {
          const lifted = await capture("vps", link.a.interface, filter, attempt);
          for (const family of [/ IP /, / IP6 /]) expect(lifted.some((line) => family.test(line))).toBe(true);
        });
      });
    });
  });

  test.each([HOME, CABIN, OFFICE])("reaches nothing of the space through the line of $name", async (site) => {
    const host = sites[site.name]!.hostAddress;
    await withStaticRoutes(site.name, site.wan.ipv4, async () => {
      const targets = [host, ...Object.values(hosts[site.name]!.identity), home.identity.v4];
      const tried = await Promise.all(targets.map((to) => probe("visitor", to, { port: 22, timeout: 1 })));
      expect(tried.map(({ to, fate }) => [to, fate])).toEqual(targets.map((to) => [to, "filtered"]));
      expect((await probe("visitor", site.wan.ipv4, { port: 80, timeout: 1 })).fate).not.toBe("accepted");
      // Positive control: without the router's filter the same packets arrive.
      await withRule(site.router, "inet router forward", "accept", async () => {
        expect((await probe("visitor", host, { port: 22, timeout: 1 })).fate).toBe("accepted");
      });
    });
  });

  test("the port that the office's router forwards to WireGuard says nothing", async () => {
    const { port } = OFFICE.forwards![0]!;
    const knocks = () => probe("visitor", OFFICE.wan.ipv4, { port, protocol: "udp", timeout: 2 });
    let fate = "";
    const arrived = await capture("office", "eth0", [`udp port ${port} and host 198.51.100.150`], async () => {
      ({ fate } = await knocks());
    });
    expect(fate).toBe("filtered");
    expect(arrived.length).toBeGreaterThan(0); // it got there, and only it: no answer
    expect(arrived.filter((line) => line.includes("> 198.51.100.150"))).toEqual([]);
  });

  test("nor through a site's host, were its router open: it forwards for the space alone", async () => {
    const tunnel = link.b.interface;
    const visitor = ["host 198.51.100.150"];
    const attempt = () => probe("visitor", hosts["office"]!.identity.v4, { port: 2525, timeout: 1 });
    await withStaticRoutes("home", HOME.wan.ipv4, async () => {
      await staticRoutes("home", "entered");
      try {
        await withRule("home-router", "inet router forward", "accept", async () => {
          let fate = "";
          expect(await capture("home", tunnel, visitor, async () => ({ fate } = await attempt()))).toEqual([]);
          expect(fate).toBe("filtered");
          // Positive control: with the host's own rules lifted they are in the tunnel.
          await withRule("home", "inet intranet tunnels", "accept", async () => {
            expect((await capture("home", tunnel, visitor, attempt)).length).toBeGreaterThan(0);
          });
        });
      } finally {
        await staticRoutes("home", "removed");
      }
    });
  }, 60_000);
});

describe("a friend", () => {
  afterAll(() => Promise.all(["laptop", "phone"].map((device) => tunnel(device, "down"))));

  test("without the tunnel is denied like anyone", async () => {
    await tunnel("laptop", "down");
    const answer = await curl("laptop", ["--insecure", "https://nextcloud.intranet.example/"]);
    expect(answer).toMatchObject({ status: 403 });
    expect(answer.body).toContain("ACCESS DENIED");
    expect((await probe("laptop", home.identity.v4, { port: 443 })).fate).not.toBe("accepted");
  });

  test.each(["laptop", "phone"])(
    "%s with the tunnel reaches the service, which sees the device's own address",
    async (device) => {
      await tunnel(device, "up");
      const own = devices[device]!;
      const ways: [string, string][] = [
        [home.identity.v4, own.v4],
        [home.lan, own.v4],
        [home.identity.v6, own.v6],
      ];
      for (const [address, mine] of ways) {
        const answer = await until(`nextcloud at ${address}`, async () => {
          const got = await askNextcloud(device, address);
          return got.status === 200 && got;
        });
        // The application behind the proxy is told who asked; what the client claims is not believed.
        expect(JSON.parse(answer.body)).toMatchObject({ headers: { "x-forwarded-for": mine } });
        const forged = await askNextcloud(device, address, ["-H", "X-Forwarded-For: 203.0.113.99"]);
        expect(JSON.parse(forged.body)).toMatchObject({ headers: { "x-forwarded-for": mine } });
        expect(forged.body).not.toContain("203.0.113.99");
        // A raw TCP service sees the peer itself: nobody translates addresses on the way.
        await withOpenPort("home", PEER_PORT, async () =>
          expect(await whoAsked(device, address, PEER_PORT)).toBe(mine),
        );
      }
    },
    120_000,
  );

  test("reaches nothing else of what listens on a host: its own SSH and other programs refuse at once", async () => {
    // "filtered" is also an ICMP error that says so.
    const port22 = async (address: string) => (await probe("laptop", address, { port: 22 })).fate;
    for (const address of [home.identity.v4, home.identity.v6, home.lan]) {
      expect([address, (await probe("laptop", address, { port: PEER_PORT })).fate]).toEqual([address, "filtered"]);
      expect([address, await port22(address)]).toEqual([address, "filtered"]);
    }
    for (const host of ["cabin", "office"])
      for (const port of [22, 2222]) {
        const { fate } = await probe("laptop", hosts[host]!.identity.v4, { port });
        expect([host, port, fate]).toEqual([host, port, "filtered"]);
      }
    // Positive controls: they do listen, and the LAN reaches them as before.
    await withOpenPort("home", 22, async () => expect(await port22(home.identity.v6)).toBe("accepted"));
    await withOpenPort("office", 2222, async () =>
      expect((await probe("laptop", hosts["office"]!.identity.v4, { port: 2222 })).fate).toBe("accepted"),
    );
    for (const port of [22, PEER_PORT]) expect((await probe("tv", home.lan, { port })).fate).toBe("accepted");
  }, 60_000);

  test("asking without encryption is sent to https", async () => {
    const { status, body } = await curl("laptop", [
      "--resolve",
      `nextcloud.intranet.example:80:${home.identity.v4}`,
      "--include",
      "http://nextcloud.intranet.example/",
    ]);
    expect([301, 302, 307, 308]).toContain(status);
    expect(body).toMatch(/^location: https:\/\/nextcloud\.intranet\.example\//im);
  });

  test("asking by another name at the service's address gets no backend", async () => {
    const plain = await curl("laptop", ["-H", "Host: other.intranet.example", `http://${home.identity.v4}/`]);
    expect([403, 404, 421]).toContain(plain.status);
    const encrypted = await curl("laptop", [
      "--insecure",
      "--resolve",
      `other.intranet.example:443:${home.identity.v4}`,
      "https://other.intranet.example/",
    ]);
    expect([0, 403, 404, 421]).toContain(encrypted.status);
    // The name in the encryption is the service's, the name that is asked for is not.
    const mixed = await askNextcloud("laptop", home.identity.v4, ["-H", "Host: other.intranet.example"]);
    expect([403, 404, 421]).toContain(mixed.status);
    for (const { body } of [plain, encrypted, mixed]) expect(body).not.toContain("nextcloud-of-the-lab");
  });

  test("a masquerade on the way would be noticed (negative control)", async () => {
    await execOk("vps", [
      "nft",
      "add table ip control; add chain ip control post { type nat hook postrouting priority srcnat; }; add rule ip control post oifname wg-* masquerade",
    ]);
    try {
      await withOpenPort("home", PEER_PORT, async () => {
        const seen = await whoAsked("laptop", home.identity.v4, PEER_PORT);
        expect(seen).not.toBe("");
        expect(seen).not.toBe(laptop.v4);
      });
    } finally {
      await exec("vps", ["nft", "delete", "table", "ip", "control"]);
    }
    await withOpenPort("home", PEER_PORT, async () =>
      expect(await whoAsked("laptop", home.identity.v4, PEER_PORT)).toBe(laptop.v4),
    );
  });
});

test("the tv reaches the service on the LAN, and nothing leaves the house", async () => {
  const tv = "10.20.0.20";
  let status = 0;
  const inTunnel: string[] = [];
  const onWan = await capture("home-router", "wan", ["tcp and not port 53"], async () => {
    inTunnel.push(
      ...(await capture("home", link.b.interface, [`host ${tv}`], async () => {
        ({ status } = await askNextcloud("tv", home.lan));
      })),
    );
  });
  expect(status).toBe(200);
  expect(inTunnel).toEqual([]);
  expect(onWan).toEqual([]);
  // Positive control: what the tv says to the outside is seen on the WAN.
  const control = await capture("home-router", "wan", ["tcp and not port 53"], () =>
    curl("tv", ["--insecure", `https://${out["sinkhole"].ipv4}/`]),
  );
  expect(control.length).toBeGreaterThan(0);
});

describe("listening", () => {
  /** The ports of WireGuard on a host, those that it chose itself included. */
  const wireGuard = async (host: string) =>
    (await execOk(host, ["wg", "show", "all", "listen-port"]))
      .split("\n")
      .flatMap((line) => (line === "" ? [] : [`udp/${line.split(/\s+/)[1]}`]));
  /** What a host offers to any other one: its sockets that are not bound to a tunnel, a loopback or an identity. */
  const offered = async (host: string) => {
    const own = Object.values(hosts[host]!.identity);
    const sockets = (await listening(host)).filter(
      ({ address }) => !/^(127\.|\[::1\])|%(lo|wg-.*)$/.test(address) && !own.includes(address.replace(/[[\]]/g, "")),
    );
    return [...new Set(sockets.map(({ protocol, port }) => `${protocol}/${port}`))].sort();
  };
  // What Debian's image itself brings: sshd and systemd-resolved's LLMNR, on a cloud's server also DHCP clients. The
  // VPS's firewall keeps them in.
  const IMAGE = ["tcp/22", "tcp/5355", "udp/5355"];
  const PROXY = ["tcp/80", "tcp/443"];
  const NAMES_OFFERED = ["tcp/53", "udp/53"];
  /** ACME, and the list of what is revoked, which is plain HTTP. */
  const AUTHORITY = ["tcp/9000", "tcp/9001"];
  const declared: Record<string, string[]> = {
    vps: [...IMAGE, ...PROXY, "udp/68", "udp/546"],
    home: [...IMAGE, ...PROXY, ...NAMES_OFFERED, `tcp/${PEER_PORT}`],
    cabin: [...IMAGE, ...NAMES_OFFERED],
    office: [...IMAGE, `tcp/${MAIL_PORT}`],
  };

  test.each(Object.keys(hosts))("%s has no socket on its WAN or LAN that is not declared", async (host) => {
    const tunnels = await wireGuard(host);
    const ports = links.flatMap(({ a }) => (a.host === host ? [`udp/${a.listenPort}`] : []));
    expect(tunnels).toEqual(expect.arrayContaining(host === "vps" ? [...ports, `udp/${deviceHub.listenPort}`] : ports));
    const undeclared = (await offered(host)).filter((one) => ![...declared[host]!, ...tunnels].includes(one));
    expect([host, undeclared]).toEqual([host, []]);
  });

  test("and at the identities there is only what the intranet offers", async () => {
    // The SSH service of a host that was joined by a script, beside the host's own.
    const JOINED = ["tcp/2222"];
    const offers: Record<string, string[]> = {
      vps: [],
      home: [...PROXY, ...NAMES_OFFERED, ...AUTHORITY],
      cabin: [...JOINED, ...NAMES_OFFERED],
      office: JOINED,
    };
    for (const host of Object.keys(hosts)) {
      const own = Object.values(hosts[host]!.identity).map((address) =>
        address.includes(":") ? `[${address}]` : address,
      );
      const sockets = (await listening(host)).filter(({ address }) => own.includes(address));
      const found = [...new Set(sockets.map(({ protocol, port }) => `${protocol}/${port}`))].sort();
      expect([host, found]).toEqual([host, offers[host]!.sort()]);
    }
  });
});
