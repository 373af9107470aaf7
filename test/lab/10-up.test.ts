/** `make up` from nothing, a second preview that is empty, and what one more service would change. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { changedConfig, identity, outputs, pendingHosts, plannedSteps, pulumiOk, ROOT } from "./intranet";
import { cloudflare, hetzner } from "./lifted";
import { exec, lab, LAB_NAME } from "./support";

test("make up joins the hosts behind NAT, and ends with a table of what runs where", async () => {
  const { stdout } = await promisify(execFile)("make", ["--no-print-directory", "up"], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
    env: { ...process.env, LAB_NAME },
  });
  for (const row of [
    /^vps\s.*198\.51\.100\./m,
    /^home\s.*10\.20\.0\.10/m,
    /^cabin\s.*10\.30\.0\.10/m,
    /^office\s.*10\.40\.0\.10/m,
    /^nextcloud\s.*https:\/\/nextcloud\.intranet\.example/m,
    /^mail\s.*office\s.*mail\.intranet\.example:2525/m,
    /^laptop\s/m,
    /^phone\s/m,
  ]) {
    expect(stdout).toMatch(row);
  }
  expect(await pendingHosts()).toEqual([]);
  const printed = JSON.stringify(stdout);
  for (const secret of Object.values<string>((await outputs())["enrol"])) {
    const keys = secret.match(/[A-Za-z0-9+/]{43}=/g)!;
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) expect(printed).not.toContain(key);
  }
  await lab(["snapshot", "up"]);
}, 900_000);

test("a second preview is empty, and so is a second up, with and without a look at the real hosts", async () => {
  await pulumiOk(["preview", "--expect-no-changes"]);
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
  await pulumiOk(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
}, 180_000);

test("what exists is what the description says, by the clouds' APIs and the host's console", async () => {
  const { servers } = await hetzner("/servers");
  expect(servers.map((s: any) => s.name)).toEqual(["vps"]);
  const { primary_ips } = await hetzner("/primary_ips");
  expect(primary_ips.map((p: any) => [p.type, p.auto_delete]).sort()).toEqual([
    ["ipv4", false],
    ["ipv6", false],
  ]);
  for (const ip of primary_ips) expect(ip.dns_ptr.map((d: any) => d.dns_ptr)).toContain("vps.intranet.example");
  const zone = (await cloudflare("/zones?name=intranet.example")).result[0];
  const records = (await cloudflare(`/zones/${zone.id}/dns_records?per_page=100`)).result;
  const named = (type: string, name: string) =>
    records.filter((r: any) => r.type === type && r.name === name).map((r: any) => r.content);
  const v4 = primary_ips.find((p: any) => p.type === "ipv4").ip;
  expect(named("A", "*.intranet.example")).toEqual([v4]);
  expect(named("A", "intranet.example")).toEqual([v4]);
  expect(named("AAAA", "*.intranet.example")).toHaveLength(1);
  // Somebody else's records are as they were, and no internal name is published.
  expect(named("MX", "intranet.example")).toHaveLength(1);
  expect(named("A", "www.intranet.example")).toHaveLength(1);
  expect(records.filter((r: any) => r.name.startsWith("nextcloud."))).toEqual([]);
  expect((await exec("home", ["test", "-e", "/root/notes.txt"])).code).toBe(0);
});

describe("one more service previews exactly what it adds", () => {
  afterAll(() => pulumiOk(["preview", "--expect-no-changes"]), 60_000);

  const role = "pulumi-nodejs:dynamic/intranet/host:HostRole";
  /** The lines of a preview that begin with a sign, but for the stack's outputs, which list the service as well. */
  const linesWith = (shown: string, sign: "+" | "-" | "~") =>
    shown
      .split("--outputs:--")[0]!
      .split("\n")
      .map((line) => line.trim().replaceAll(/\s+/g, " "))
      .filter((line) => line.startsWith(`${sign} `))
      .map((line) => line.slice(2));
  /** The part of a preview that is about one resource. */
  const partFor = (name: string, shown: string) =>
    shown.split(/(?=^ *[+~-] \S+: \()/m).find((part) => part.includes(`::${name}]`)) ?? "";
  /** What a line says is changed, without its value. */
  const changes = (shown: string) =>
    linesWith(shown, "~").map((line) => line.replace(/ ?: .*$/, "").replace(/ ?:$/, ""));
  const ZONE = "/etc/bind/intranet/intranet.example.zone";

  test("at home: its name on the primary, its virtual host, its certificate, and nothing else", async () => {
    const more = changedConfig((network) => {
      network.services.photos = { at: "home", port: 8081 };
    });
    const steps = await plannedSteps(more);
    expect(steps.map(({ op, type, name }) => [op, type, name]).sort()).toEqual([
      ["update", role, "intranet-names-home"],
      ["update", role, "intranet-proxy-home-caddy"],
    ]);
    const shown = await pulumiOk(["preview", "--diff", ...more]);
    expect(linesWith(shown, "-")).toEqual([]);
    expect(changes(shown)).toEqual([
      ...[role, "files", ZONE, "content"],
      ...[role, "files", "/etc/caddy/Caddyfile", "content", "probes"],
    ]);
    const [name, ...rest] = linesWith(shown, "+");
    expect(name).toBe(`photos IN A ${identity("home").v4}`);
    const probe = rest.findIndex((line) => /^\[\d+\]: \{$/.test(line));
    expect(rest.slice(0, probe)).toEqual([
      "https://photos.intranet.example {",
      ...["import listen", 'header ?Strict-Transport-Security "max-age=31536000"', "reverse_proxy localhost:8081 {"],
      ...["header_up -Forwarded", "header_up X-Real-IP {remote_host}", "}"],
      ...["import application", "}"],
      "http://photos.intranet.example {",
      ...["import listen", "redir https://{host}{uri} 308", "}"],
    ]);
    // All that follows are the probes: for the certificate, with the root as all that is trusted, and for the
    // application.
    expect(rest.slice(probe).map((line) => line.replace(/ +:/, ":"))).toEqual([
      expect.stringMatching(/^\[\d+\]: \{$/),
      "timeoutSeconds: 120",
      "tls: {",
      `address: "${identity("home").v4}"`,
      'name: "photos.intranet.example"',
      'roots: "/etc/caddy/intranet-root.crt"',
      expect.stringMatching(/^\[\d+\]: \{$/),
      ...["command: [", '[0]: "bash"', '[1]: "-c"', expect.stringContaining("/dev/tcp/$1/$2"), '[3]: "probe"'],
      ...['[4]: "localhost"', '[5]: "8081"'],
      expect.stringMatching(/^description: "the application behind photos.intranet.example listens at localhost:8081/),
      ...["required: false", "timeoutSeconds: 3"],
    ]);
    // What does not change is not shown, and what the change means is said.
    expect(shown.split("--outputs:--")[0]!.split("\n").length).toBeLessThan(120);
    const said = await pulumiOk(["preview", ...more]);
    expect(said).toMatch(
      /^ *home: role internal-dns: \S+\/intranet\.example\.zone \(\+1 line\); named\.service reloads$/m,
    );
    expect(said).toMatch(
      /^ *home: role reverse-proxy: \/etc\/caddy\/Caddyfile \(\+\d+ lines\); caddy\.service reloads$/m,
    );
  });

  test("at office, which had no proxy: its name on the primary, and a proxy there for it alone", async () => {
    const more = changedConfig((network) => {
      network.services.photos = { at: "office", port: 8081 };
    });
    const steps = await plannedSteps(more);
    expect(steps.map(({ op, name }) => [op, name]).sort()).toEqual([
      ["create", "intranet-proxy-office"],
      ["create", "intranet-proxy-office-caddy"],
      ["update", "intranet-names-home"],
      ["update", "intranet-site-office-firewall"], // it answers at 80 and 443 now
    ]);
    const shown = partFor("intranet-names-home", await pulumiOk(["preview", "--diff", ...more]));
    expect(linesWith(shown, "-")).toEqual([]);
    expect(changes(shown)).toEqual([role, "files", ZONE, "content"]);
    expect(linesWith(shown, "+")).toEqual([`photos IN A ${identity("office").v4}`]);
  });
});
