/**
 * What public services need of the lab: names and certificates as the Internet has them, and a cloud that delivers
 * on-link.
 */
import { readFileSync } from "node:fs";
import { ACME, INTERNET, SERVICES, ZONE } from "../../lab/constants";
import { capture, curl, until } from "./intranet";
import { cloudflare, hetzner } from "./lifted";
import { makeServer, removeServer, type TestServer } from "./servers";
import { type Answer, type Hello, sayHello, trustPublicAuthority, visit } from "./visitors";
import { exec, execOk, lab, labOk, probe, status } from "./support";

jest.setTimeout(120_000);
const SERVER = "public-test";
const NAME = `public-test.${ZONE}`;
let server: TestServer;
/** Addresses of the server's /64 beside its own. */
const address = (number: string): string => server.ipv6.replace(/1$/, number);

beforeAll(async () => {
  if ((await status()).hosts.some(({ kind }) => kind === "server")) await labOk(["restore", "fresh"]);
  server = await makeServer(SERVER);
}, 400_000);
afterAll(async () => {
  for (const { id, zone_id } of await records()) await cloudflare(`/zones/${zone_id}/dns_records/${id}`, "DELETE");
  await removeServer(SERVER);
}, 60_000);

async function zone(): Promise<string> {
  return (await cloudflare(`/zones?name=${ZONE}`)).result[0].id;
}

/** The records of the test's own name. */
async function records(): Promise<{ id: string; zone_id: string }[]> {
  const id = await zone();
  const { result } = await cloudflare(`/zones/${id}/dns_records?name=${NAME}`);
  return result.map((record: { id: string }) => ({ id: record.id, zone_id: id }));
}

async function publish(record: object): Promise<void> {
  const answer = await cloudflare(`/zones/${await zone()}/dns_records`, "POST", { name: NAME, ttl: 60, ...record });
  expect(answer).toMatchObject({ success: true });
}

const dig = async (...question: string[]): Promise<string> =>
  (await execOk("visitor", ["dig", "+short", ...question])).trim();

describe("a cloud that delivers on-link", () => {
  afterAll(() => labOk(["routed", SERVER]));
  const arrive = (number: string): Promise<string[]> =>
    capture(SERVER, "eth0", [`ip6 dst ${address(number)} and icmp6`], () =>
      probe("visitor", address(number), { timeout: 5 }),
    );

  test("routes all of the /64 to the server until it is told otherwise", async () => {
    expect((await arrive("78")).join("\n")).toContain("echo request");
  });

  test("then asks for each address: who answers is reached, who does not is unreachable, and nothing for it arrives", async () => {
    await execOk(SERVER, ["ip", "-6", "address", "add", `${address("77")}/128`, "dev", "eth0", "nodad"]);
    await labOk(["on-link", SERVER]);
    expect(await labOk(["status"])).toContain(`on-link: ${SERVER}`);
    for (const number of ["1", "77"])
      expect(await probe("visitor", address(number))).toMatchObject({ fate: "accepted" });
    expect(await arrive("78")).toEqual([]);
    const refused = await probe("visitor", address("78"), { timeout: 8 });
    expect(refused).toMatchObject({ fate: "unreachable", seen: { icmp: { from: INTERNET.ipv6 } } });
    // Positive control: once the host answers for it, packets for it are there.
    await execOk(SERVER, ["sysctl", "-qw", "net.ipv6.conf.eth0.proxy_ndp=1", "net.ipv6.conf.all.forwarding=1"]);
    await execOk(SERVER, ["ip", "-6", "neighbour", "add", "proxy", address("78"), "dev", "eth0"]);
    expect((await arrive("78")).join("\n")).toContain("echo request");
  });

  test("a reset keeps it so; another host than a server is refused", async () => {
    await labOk(["reset", SERVER]);
    expect(await probe("visitor", address("1"))).toMatchObject({ fate: "accepted" });
    expect(await arrive("79")).toEqual([]);
    await labOk(["routed", SERVER]);
    expect((await arrive("79")).join("\n")).toContain("echo request");
    const home = await lab(["on-link", "home"]);
    expect([home.code, home.stderr]).toEqual([1, expect.stringMatching(/home is no server of the cloud/)]);
  });
});

test("any address of the server's network can have a PTR record, and none is left of it when it is taken back", async () => {
  const { id } = (await hetzner("/primary_ips")).primary_ips.find(
    ({ type, assignee_id }: { type: string; assignee_id: number }) => type === "ipv6" && assignee_id === server.id,
  );
  const pointer = address("1:2:3");
  const change = (ip: string, dns_ptr: string | null) =>
    hetzner(`/primary_ips/${id}/actions/change_dns_ptr`, "POST", { ip, dns_ptr });
  await change(pointer, NAME);
  await until("the PTR record is served", async () => (await dig("-x", pointer)) === `${NAME}.`, 20);
  expect((await change(SERVICES.acme.ipv6, NAME)).error.code).toBe("invalid_input");
  await change(pointer, null);
  await until("the PTR record is gone", async () => (await dig("-x", pointer)) === "", 20);
});

describe("the public certificate authority", () => {
  const CADDY = [
    "{",
    `  acme_ca ${ACME.directory}`,
    "  acme_ca_root /etc/caddy/acme-root.pem",
    "}",
    `${NAME} {`,
    '  respond "reached"',
    "}",
    "",
  ].join("\n");
  const configure = async (text: string): Promise<void> => {
    const written = await exec(
      SERVER,
      ["sh", "-c", 'cat > "$1" && systemctl restart caddy', "sh", "/etc/caddy/Caddyfile"],
      {
        stdin: text,
      },
    );
    expect(written).toMatchObject({ code: 0 });
  };
  beforeAll(async () => {
    await execOk(SERVER, ["sh", "-c", "apt-get update -q && apt-get install -y -q --no-install-recommends caddy"]);
    await trustPublicAuthority("visitor", "visitor4");
    const root = readFileSync(require.resolve("../../lab/files/acme/root.pem"), "utf8");
    await exec(SERVER, ["sh", "-c", 'cat > "$1"', "sh", "/etc/caddy/acme-root.pem"], { stdin: root });
  }, 300_000);

  test.each(["http-01", "tls-alpn-01"])(
    "gives a certificate by %s to who has the name, and visitors of both families trust it",
    async (challenge) => {
      for (const { id, zone_id } of await records()) await cloudflare(`/zones/${zone_id}/dns_records/${id}`, "DELETE");
      await execOk(SERVER, ["systemctl", "stop", "caddy"]);
      await execOk(SERVER, ["rm", "-rf", "/var/lib/caddy/.local/share/caddy"]);
      const other = challenge === "http-01" ? "disable_tlsalpn_challenge" : "disable_http_challenge";
      const issuer = `  tls {\n    issuer acme {\n      ${other}\n    }\n  }\n`;
      await publish({ type: "AAAA", content: address("1") });
      await publish({ type: "A", content: server.ipv4 });
      await configure(CADDY.replace("  respond", `${issuer}  respond`));
      for (const from of ["visitor", "visitor4"])
        await until(`${from} trusts it`, async () => (await visit(from, NAME)).body === "reached", 60);
      // Negative control: it is this root that they trust it by.
      expect((await curl("visitor", [`https://${NAME}/`])).status).toBe(0);
    },
  );

  test("hellos of every kind arrive as they are said, and what comes back is read", async () => {
    const target = address("1");
    const hello = (said: Hello) => sayHello("visitor", target, said);
    expect(await hello({ name: NAME })).toMatchObject({ ended: "answered", names: `DNS:${NAME}` });
    expect(await hello({ name: `other.${ZONE}` })).toMatchObject({ ended: "answered", alert: 80 });
    expect(await hello({ plain: "GET / HTTP/1.1\r\nHost: x\r\n\r\n" })).toMatchObject({
      text: expect.stringContaining("400 Bad Request"),
    });
    expect(await hello({ name: NAME, first: 60, seconds: 2 })).toMatchObject({ ended: "silence", sent: 60, text: "" });
    let answer: Answer | undefined;
    const from = `src host ${(await status()).hosts.find(({ name }) => name === "visitor")!.ipv6}`;
    const carried = `${from} and tcp dst port 443 and ip6[4:2] > 32`; // longer than a TCP header with its options
    const segments = await capture(
      SERVER,
      "eth0",
      [carried],
      async () => (answer = await hello({ name: NAME, chunk: 1 })),
    );
    expect(answer).toMatchObject({ ended: "answered", names: `DNS:${NAME}` });
    expect(segments.length).toBeGreaterThanOrEqual(answer!.sent);
    expect(await hello({ name: NAME, size: 65_535 })).toMatchObject({ sent: expect.any(Number) });
  });

  test("gives none for a name that leads elsewhere; the zone answers CAA at any name", async () => {
    for (const { id, zone_id } of await records()) await cloudflare(`/zones/${zone_id}/dns_records/${id}`, "DELETE");
    await execOk(SERVER, ["systemctl", "stop", "caddy"]);
    await execOk(SERVER, ["rm", "-rf", "/var/lib/caddy/.local/share/caddy"]);
    await publish({ type: "CAA", data: { flags: 128, tag: "issue", value: ACME.name } });
    expect(await dig(NAME, "CAA")).toBe(`128 issue "${ACME.name}"`);
    await publish({ type: "A", content: "198.51.100.150" });
    const since = (await execOk(SERVER, ["date", "+%Y-%m-%d %H:%M:%S"])).trim();
    await configure(CADDY);
    await until("the authority refuses", async () => {
      const journal = await execOk(SERVER, ["journalctl", "-u", "caddy", "--since", since, "-o", "cat"]);
      return /challenge failed.*urn:ietf:params:acme:error:connection/.test(journal);
    });
    const stored = await exec(SERVER, ["find", "/var/lib/caddy", "-name", "*.crt"]);
    expect(stored.stdout).toBe("");
  });
});
