/** The lab's sites: what stands on their LANs, what their routers let through, and the names of others. */
import { ATTIC, CABIN, FIXED_HOSTS, KEY_LABELS, MAIL_PORT, OFFICE, SERVICES } from "../../lab/constants";
import { deriveSshKey } from "../../lab/keys";
import { exec, execOk as out, lab, labOk, probe, status } from "./support";

jest.setTimeout(30_000);

beforeAll(async () => {
  // On hosts that no stack has touched: what an intranet does while a host boots is not what is looked at here.
  if ((await status()).hosts.some(({ kind }) => kind === "server")) await labOk(["restore", "fresh"]);
}, 120_000);

describe("sites", () => {
  test("behind each router there is a host, or a device; they reach the Internet, and nothing new gets in", async () => {
    for (const name of ["cabin", "office", "printer", "attic", "phone"])
      for (const family of [4, 6] as const)
        expect(await probe(name, "visitor", { family })).toMatchObject({ fate: "accepted" });
    for (const { wan, lan } of [CABIN, OFFICE, ATTIC]) {
      expect(await probe("visitor", wan.ipv4, { port: 22, timeout: 1 })).toMatchObject({ fate: "filtered" });
      const host = lan.ipv6Prefix.replace("/64", "10");
      expect(await probe("visitor", host, { port: 22, timeout: 1 })).toMatchObject({ fate: "filtered" });
    }
  }, 60_000);

  test("hosts to enrol have sshd with a key of their own on their LAN, and no key of the operator", async () => {
    const shown = await out("printer", ["ssh-keyscan", "-q", "-t", "ed25519", "10.40.0.10"]);
    expect(shown.trim()).toBe(`10.40.0.10 ${deriveSshKey(KEY_LABELS.officeHostKey).publicKey}`);
    for (const name of ["cabin", "office", "attic"]) {
      expect(
        await out(name, [
          "find",
          "/root",
          "/etc/ssh/sshd_config.d",
          "-name",
          "authorized_keys",
          "-o",
          "-name",
          "*.conf",
        ]),
      ).toBe("");
      expect(await out(name, ["systemctl", "is-system-running"])).toBe("running\n");
    }
    const ssh = await lab(["ssh", "office"]);
    expect([ssh.code, ssh.stderr]).toEqual([1, expect.stringMatching(/no key of the operator.*bin\/lab exec office/)]);
  }, 60_000);

  test("the camera's gateway is the cabin's host", async () => {
    const { gateway } = FIXED_HOSTS.find(({ name }) => name === "camera")!;
    expect(await out("camera", ["ip", "route", "get", "10.20.0.10"])).toContain(`via ${gateway!.ipv4} `);
    expect(await out("camera", ["ip", "-6", "route", "get", "2001:db8:a:1::10"])).toContain(`via ${gateway!.ipv6} `);
    expect(await probe("camera", "cabin")).toMatchObject({ fate: "accepted" });
  });

  test("the service mail at the office says who connects", async () => {
    for (const [family, firstLine] of [
      [4, "10.40.0.20"],
      [6, "2001:db8:f:1::20"],
    ] as const)
      expect(await probe("printer", "office", { port: MAIL_PORT, family })).toMatchObject({
        fate: "accepted",
        seen: { firstLine },
      });
  });

  test("the office's router forwards two UDP ports to its host and no third, and the sender stays who it is", async () => {
    const ports = OFFICE.forwards!.map(({ port }) => port);
    const closed = Math.min(...ports) - 1;
    const answer =
      "import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('',int(sys.argv[1])))\ns.settimeout(20)\nd,a=s.recvfrom(99)\ns.sendto(a[0].encode(),a)";
    for (const number of [...ports, closed])
      await out("office", [
        "sh",
        "-c",
        'setsid python3 -c "$1" "$2" >/dev/null 2>&1 & sleep 0.5',
        "sh",
        answer,
        String(number),
      ]);
    expect(ports).toHaveLength(2);
    for (const port of ports)
      expect(await probe("visitor", OFFICE.wan.ipv4, { protocol: "udp", port })).toMatchObject({
        fate: "accepted",
        seen: { firstLine: "198.51.100.150" },
      });
    const beside = await probe("visitor", OFFICE.wan.ipv4, { protocol: "udp", port: closed, timeout: 1 });
    expect(beside).toMatchObject({ fate: "filtered" });
    // The service beside it is there: on the LAN it answers.
    expect(await probe("printer", "office", { protocol: "udp", port: closed })).toMatchObject({ fate: "accepted" });
  }, 60_000);

  describe("the office's narrow line", () => {
    /** What ping(8) says of two packets of that size, headers included, which must not be fragmented. */
    const ping = async (from: string, to: string, size: number): Promise<string> => {
      const headers = to.includes(":") ? 48 : 28;
      const argv = ["ping", "-n", "-M", "do", "-c", "2", "-i", "0.2", "-W", "1", "-s", String(size - headers), to];
      return (await exec(from, argv)).stdout;
    };
    const [VISITOR4, VISITOR6] = ["198.51.100.150", "2001:db8:d::150"];
    const paths = [
      ["office", VISITOR4],
      ["office", VISITOR6],
      ["visitor", OFFICE.wan.ipv4],
      ["visitor", OFFICE.wan.ipv6],
    ] as const;

    test("passes a packet of its MTU and swallows one that is larger by a byte, both ways, both families", async () => {
      for (const [from, to] of paths) {
        expect([to, await ping(from, to, OFFICE.narrow!)]).toEqual([to, expect.stringContaining(" 2 received")]);
        const larger = await ping(from, to, OFFICE.narrow! + 1);
        expect([to, larger]).toEqual([to, expect.stringContaining(" 0 received")]);
        expect(larger).not.toMatch(/too|mtu|frag/i);
      }
      for (const to of [VISITOR4, VISITOR6]) expect(await ping("tv", to, 1500)).toContain(" 2 received");
    }, 60_000);

    test("is narrow and not only silent: with its filters lifted, both sides say how large a packet may be", async () => {
      const tables = [
        ["internet", "black-hole"],
        ["office-router", "router"],
      ] as const;
      const kept = await Promise.all(
        tables.map(([router, table]) => out(router, ["nft", "list", "table", "inet", table])),
      );
      for (const [router, table] of tables) await out(router, ["nft", "delete", "table", "inet", table]);
      try {
        // Without masquerading only IPv6 comes from the office's host itself.
        for (const [from, to] of paths.filter(([from, to]) => from === "visitor" || to === VISITOR6))
          expect(await ping(from, to, OFFICE.narrow! + 1)).toMatch(/mtu ?= ?1460/);
      } finally {
        for (const [index, [router]] of tables.entries())
          await lab(["exec", router, "--", "nft", "-f", "-"], { stdin: kept[index] });
        for (const host of ["office", "visitor"])
          for (const family of ["-4", "-6"]) await out(host, ["ip", family, "route", "flush", "cache"]);
      }
      expect(await ping("visitor", OFFICE.wan.ipv4, OFFICE.narrow! + 1)).not.toMatch(/mtu/);
    }, 60_000);

    test("TCP passes: its segments are clamped", async () => {
      const url = `http://${SERVICES.packages.ipv4}/debian/Packages`;
      expect((await out("office", ["curl", "-sS", "--max-time", "10", url])).length).toBeGreaterThan(20_000);
    });
  });
});

test("somebody else's names: a signed one validates, a forged one is refused", async () => {
  const ask = async (host: string): Promise<unknown> =>
    (await probe("visitor", SERVICES.resolver.ipv4, { protocol: "dns", host })).seen;
  expect(await ask("signed.example")).toMatchObject({ rcode: "NOERROR", authenticated: true });
  expect(await ask("broken.example")).toMatchObject({ rcode: "SERVFAIL", answers: [] });
  const unchecked = ["dig", `@${SERVICES.resolver.ipv4}`, "+cd", "+short", "broken.example"];
  expect(await out("visitor", unchecked)).toBe("192.0.2.66\n");
});
