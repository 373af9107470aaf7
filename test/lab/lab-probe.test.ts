/** The lab's probes: each fate is really produced, and called by its name. */
import { SERVICES } from "../../lab/constants";
import { execOk as out, labOk, probe, status } from "./support";

jest.setTimeout(30_000);

beforeAll(async () => {
  // On hosts that no stack has touched.
  if ((await status()).hosts.some(({ kind }) => kind === "server")) await labOk(["restore", "fresh"]);
}, 120_000);

describe("fates", () => {
  test("accepted: tcp with what the service said, icmp, http, dns, both families", async () => {
    expect(await probe("tv", "home", { port: 7777 })).toMatchObject({
      fate: "accepted",
      seen: { firstLine: "10.20.0.20" },
    });
    expect(await probe("tv", "home", { port: 7777, family: 6 })).toMatchObject({
      fate: "accepted",
      seen: { firstLine: "2001:db8:a:1::20" },
    });
    expect(await probe("tv", "visitor")).toMatchObject({ fate: "accepted", protocol: "icmp" });
    expect(await probe("laptop", "visitor", { family: 6 })).toMatchObject({
      fate: "accepted",
      address: "2001:db8:d::150",
    });
    expect(await probe("visitor", SERVICES.packages.ipv4, { protocol: "http", path: "/debian/Release" })).toMatchObject(
      { fate: "accepted", seen: { status: 200 } },
    );
    const mx = await probe("visitor", SERVICES.resolver.ipv4, { protocol: "dns", type: "MX" });
    expect(mx).toMatchObject({
      fate: "accepted",
      seen: {
        rcode: "NOERROR",
        authenticated: true,
        answers: expect.arrayContaining([expect.objectContaining({ type: "MX" })]),
      },
    });
  });

  test("refused: a closed port of tcp and of udp", async () => {
    expect(await probe("tv", "home", { port: 8080 })).toMatchObject({ fate: "refused" });
    expect(await probe("tv", "home", { port: 9, protocol: "udp" })).toMatchObject({ fate: "refused" });
    expect(await probe("tv", "home", { port: 8080, family: 6 })).toMatchObject({ fate: "refused" });
  });

  test("filtered: silence, and an ICMP that says prohibited", async () => {
    expect(await probe("visitor", "home", { port: 7777, family: 6, timeout: 1 })).toMatchObject({ fate: "filtered" });
    await out("home", [
      "nft",
      "add table inet lab; add chain inet lab in { type filter hook input priority -5; }; add rule inet lab in tcp dport 7777 reject with icmpx type admin-prohibited",
    ]);
    try {
      for (const family of [4, 6] as const) {
        const result = await probe("tv", "home", { port: 7777, family });
        expect(result).toMatchObject({ fate: "filtered", seen: { icmp: { meaning: "administratively prohibited" } } });
      }
    } finally {
      await out("home", ["nft", "delete table inet lab"]);
    }
  });

  test("unreachable: no route, no host, no name", async () => {
    expect(await probe("visitor", "198.18.0.1")).toMatchObject({
      fate: "unreachable",
      seen: { icmp: { meaning: "net unreachable" } },
    });
    expect(await probe("tv", "10.20.0.77", { port: 80, timeout: 5 })).toMatchObject({ fate: "unreachable" });
    expect(await probe("tv", "none.intranet.example", { port: 80 })).toMatchObject({
      fate: "unreachable",
      address: null,
    });
  });

  test("denied by the application: HTTP 403, and DNS REFUSED", async () => {
    const server =
      "import http.server as h\nclass H(h.BaseHTTPRequestHandler):\n def do_GET(s):\n  s.send_response(403); s.end_headers(); s.wfile.write(b'ACCESS DENIED')\nh.HTTPServer(('', 8403), H).handle_request()";
    await out("visitor", ["sh", "-c", 'setsid python3 -c "$1" >/dev/null 2>&1 & sleep 0.7', "sh", server]);
    expect(await probe("tv", "visitor", { protocol: "http", port: 8403 })).toMatchObject({
      fate: "denied-by-application",
      seen: { status: 403, firstLine: "ACCESS DENIED" },
    });
    const foreign = await probe("visitor", SERVICES.authoritative.ipv4, { protocol: "dns", host: "www.foreign.test" });
    expect(["denied-by-application", "accepted"]).toContain(foreign.fate);
    expect(foreign.seen["rcode"]).toMatch(/REFUSED|NXDOMAIN/);
  });
});
