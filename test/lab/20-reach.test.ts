/** Who reaches what, by packets: strangers end at the sinkhole, friends reach the service, the LAN stays at home. */
import { tunnel } from "./devices";
import { capture, curl, ensureUp, NAMES, outputs, plan, until } from "./intranet";
import { liftedCloudFirewall, listening } from "./lifted";
import { exec, labOk, probe } from "./support";

const { hosts, sites, links, devices, deviceHub } = plan();
/** The service's host: its address on the LAN, its identity, and both ends of its tunnel. */
const home = { lan: sites["home"]!.hostAddress, identity: hosts["home"]!.identity };
const link = links.find(({ b }) => b.host === "home")!;
const laptop = devices["laptop"]!;
/** The TCP ports of `target` that answer with a handshake, seen from the visitor: all 65,535 are tried, or those up to `last`. */
async function scanTcp(target: string, last = 65_535): Promise<number[]> {
  const found = JSON.parse(
    await labOk(["scan", "visitor", target, "--json", "--last", String(last)], { timeoutSeconds: 200 }),
  );
  expect(found.accepted.length + found.refused + found.filtered + found.unreachable).toBe(last);
  return found.accepted;
}

let out: Record<string, any>;
beforeAll(async () => {
  await ensureUp();
  out = await outputs();
}, 600_000);

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

  test("of the 65,535 TCP ports only 80 and 443 answer, on both families; with the filters lifted, ssh does too", async () => {
    const targets = [out.sinkhole.ipv4, out.sinkhole.ipv6];
    for (const target of targets) expect(await scanTcp(target)).toEqual([80, 443]);
    // Positive control: the same scanner finds what is behind the filters once they are lifted.
    await liftedCloudFirewall(async () => {
      await exec("vps", ["nft", "insert", "rule", "inet", "intranet", "input", "tcp", "dport", "22", "accept"]);
      try {
        for (const target of targets) expect(await scanTcp(target, 1024)).toEqual([22, 80, 443]);
      } finally {
        await exec("vps", ["systemctl", "reload-or-restart", "intranet-firewall.service"]);
      }
    });
    expect(await probe("visitor", out.sinkhole.ipv4, { port: 22 })).toMatchObject({ fate: "filtered" });
    expect(await probe("operator", out.sinkhole.ipv4, { port: 22 })).toMatchObject({ fate: "accepted" });
  }, 300_000);

  // What a stranger may try for: the service's host by its LAN address and by its identity.
  const space = "10.16.0.0/12";
  test("reaches nothing of the space through the VPS, even with a static route", async () => {
    await exec("internet", ["ip", "route", "replace", space, "via", out.sinkhole.ipv4]);
    try {
      const seen: string[] = [];
      const attempt = async () => {
        for (const to of [home.lan, home.identity.v4]) seen.push((await probe("visitor", to, { port: 80 })).fate);
      };
      const tunnels = await capture("vps", link.a.interface, ["host", "198.51.100.150"], attempt);
      expect(seen).toEqual(["filtered", "filtered"]);
      expect(tunnels).toEqual([]);
      // Positive control: with the forward chain lifted the same packets are in the tunnel.
      await exec("vps", ["nft", "insert", "rule", "inet", "intranet", "forward", "accept"]);
      try {
        const lifted = await capture("vps", link.a.interface, ["host", "198.51.100.150"], attempt);
        expect(lifted.length).toBeGreaterThan(0);
      } finally {
        await exec("vps", ["systemctl", "reload-or-restart", "intranet-firewall.service"]);
      }
    } finally {
      await exec("internet", ["ip", "route", "del", space]);
    }
  }, 120_000);

  test("reaches nothing of the space through home's WAN address", async () => {
    const lan = home.lan;
    await exec("internet", ["ip", "route", "replace", space, "via", "198.51.100.130"]);
    try {
      expect((await probe("visitor", lan, { port: 80 })).fate).toBe("filtered");
      expect((await probe("visitor", "198.51.100.130", { port: 80 })).fate).not.toBe("accepted");
      // Positive control: without the home router's filter the same packets arrive.
      await exec("home-router", ["nft", "insert", "rule", "inet", "router", "forward", "accept"]);
      const listed = JSON.parse(
        (await exec("home-router", ["nft", "--json", "--handle", "list", "chain", "inet", "router", "forward"])).stdout,
      );
      const rules = listed.nftables.flatMap((item: any) => item.rule ?? []);
      const { handle } = rules.find((rule: any) => rule.expr.length === 1 && "accept" in rule.expr[0]);
      try {
        const arrived = await capture("home-router", "lan", ["host", "198.51.100.150", "and", "host", lan], () =>
          probe("visitor", lan, { port: 80 }),
        );
        expect(arrived.length).toBeGreaterThan(0);
      } finally {
        await exec("home-router", ["nft", "delete", "rule", "inet", "router", "forward", "handle", String(handle)]);
      }
      expect((await probe("visitor", lan, { port: 80 })).fate).toBe("filtered");
    } finally {
      await exec("internet", ["ip", "route", "del", space]);
    }
  }, 120_000);
});

describe("a friend", () => {
  afterAll(() => tunnel("laptop", "down"));

  test("without the tunnel is denied like anyone", async () => {
    await tunnel("laptop", "down");
    const answer = await curl("laptop", ["--insecure", "https://nextcloud.intranet.example/"]);
    expect(answer).toMatchObject({ status: 403 });
    expect(answer.body).toContain("ACCESS DENIED");
    expect((await probe("laptop", home.identity.v4, { port: 80 })).fate).not.toBe("accepted");
  });

  test("with the tunnel reaches the service, which sees the laptop's own address", async () => {
    await tunnel("laptop", "up");
    const ways: [string, string][] = [
      [home.identity.v4, laptop.v4],
      [home.lan, laptop.v4],
      [home.identity.v6, laptop.v6],
    ];
    for (const [address, mine] of ways) {
      const at = address.includes(":") ? `[${address}]` : address;
      const answer = await until(`nextcloud at ${address}`, async () => {
        const got = await curl("laptop", [
          "--resolve",
          `nextcloud.intranet.example:80:${at}`,
          "http://nextcloud.intranet.example/",
        ]);
        return got.status === 200 && got;
      });
      // The application behind the proxy is told who asked; what the client claims is not believed.
      expect(answer.body).toContain(mine);
      const forged = await curl("laptop", [
        "--resolve",
        `nextcloud.intranet.example:80:${at}`,
        "-H",
        "X-Forwarded-For: 203.0.113.99",
        "http://nextcloud.intranet.example/",
      ]);
      expect(forged.status).toBe(200);
      expect(forged.body).not.toContain("203.0.113.99");
      // A raw TCP service sees the peer itself: nobody translates addresses on the way.
      const raw = await exec("laptop", ["nc", "-w", "5", address, "7777"], { stdin: "" });
      expect(raw.stdout.trim()).toContain(mine);
    }
  }, 120_000);

  test("asking by another name at the service's address gets no backend", async () => {
    const answer = await curl("laptop", ["-H", "Host: other.intranet.example", `http://${home.identity.v4}/`]);
    expect(answer.status).not.toBe(200);
    expect([403, 404, 421]).toContain(answer.status);
  });

  test("a masquerade on the way would be noticed (negative control)", async () => {
    await exec("vps", [
      "sh",
      "-c",
      `nft add table ip control && nft 'add chain ip control post { type nat hook postrouting priority 100; }' && nft 'add rule ip control post oifname "wg-*" masquerade'`,
    ]);
    try {
      const raw = await exec("laptop", ["nc", "-w", "5", home.identity.v4, "7777"], { stdin: "" });
      expect(raw.stdout.trim()).not.toBe("");
      expect(raw.stdout).not.toContain(laptop.v4);
    } finally {
      await exec("vps", ["nft", "delete", "table", "ip", "control"]);
    }
  });
});

test("the tv reaches the service on the LAN, and nothing leaves the house", async () => {
  const lan = home.lan;
  let status = 0;
  const inTunnel: string[] = [];
  const onWan = await capture("home-router", "wan", ["not", "udp"], async () => {
    inTunnel.push(
      ...(await capture("home", link.b.interface, ["host", "10.20.0.20"], async () => {
        status = (
          await curl("tv", ["--resolve", `nextcloud.intranet.example:80:${lan}`, "http://nextcloud.intranet.example/"])
        ).status;
      })),
    );
  });
  expect(status).toBe(200);
  expect(inTunnel).toEqual([]);
  expect(onWan.filter((line) => line.includes("10.20.0.20") || line.includes("198.51.100.130"))).toEqual([]);
  // Positive control: what the tv says to the outside is seen on the WAN.
  const control = await capture("home-router", "wan", ["tcp"], () =>
    curl("tv", ["--insecure", `https://${out.sinkhole.ipv4}/`]),
  );
  expect(control.length).toBeGreaterThan(0);
});

test("listening: the VPS has no socket on the WAN that is not declared", async () => {
  const sockets = await listening("vps");
  const outside = sockets.filter((s) => !/^(127\.|\[?::1\]?)/.test(s.address)).map((s) => `${s.protocol}/${s.port}`);
  const declared = new Set([
    "tcp/22",
    "tcp/80",
    "tcp/443",
    ...[deviceHub.listenPort, link.a.listenPort!].map((port) => `udp/${port}`),
  ]);
  // What the image itself brings: DHCP clients, and systemd-resolved's LLMNR. The firewall keeps them in.
  const image = ["udp/68", "udp/546", "udp/5355", "tcp/5355"];
  expect([...new Set(outside)].filter((socket) => !declared.has(socket) && !image.includes(socket))).toEqual([]);
});
