/**
 * IPv4 guests on a real host: the proxy's roles with either engine, from one to the other and back, and nothing left of
 * them.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { certificateRole, pageRole } from "../../components/denied-page/roles";
import type { RoleContent } from "../../components/host-identity/roles";
import type { SniEngine } from "../../components/sni-proxy/args";
import { guestsPart, wayBackRole } from "../../components/sni-proxy/roles";
import type { TrialRole } from "./host-program/trial";
import { hostState } from "./host-state";
import { until } from "./intranet";
import { exec, execOk } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(400_000);

const DOMAIN = "trial.example";
const SERVICE = "2001:db8:1:0:2::1";
/** `tv`, inside the prefix of guests. */
const GUEST = "64:ff9b:1::a14:14";
const SNID = "/usr/local/bin/trial-snid";

/** A role with its one placeholder filled, for JSON takes no Outputs. */
function plain(role: RoleContent): TrialRole {
  const { role: _, files = {}, ...rest } = role;
  const filled = Object.entries(files).map(([path, { content, mode }]) => [
    path,
    { content: String(content).replaceAll("{{address_of_wiki}}", SERVICE), ...(mode === undefined ? {} : { mode }) },
  ]);
  return { ...rest, files: Object.fromEntries(filled) } as TrialRole;
}

/** nginx's checker reads the certificate, and in this stack no role waits for another. */
const certificate = { certificate: plain(certificateRole()) };

function roles(engine: SniEngine): Record<string, TrialRole> {
  const args = {
    connection: { address: "10.20.0.10", hostKeys: [] },
    domain: DOMAIN,
    services: [{ hostname: `wiki.${DOMAIN}`, address: SERVICE, ports: [443], web: true }],
    engine,
  };
  return {
    "way-back": plain(wayBackRole(args)),
    ...certificate,
    page: plain(pageRole(DOMAIN, guestsPart(args))),
  };
}

const nginx = roles({ kind: "nginx" });
const snid = roles({ kind: "snid", binary: { path: SNID } });

/** The service, in a namespace behind an interface that is called like a tunnel. */
const SITE = [
  "mkdir -p /run/trial",
  "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=wiki -keyout /run/trial/key.pem -out /run/trial/certificate.pem 2>/dev/null",
  "ip netns add site && ip link add wg-trial type veth peer name up0 netns site",
  "ip link set wg-trial group 51820 addrgenmode none up && ip address add fe80::a/64 dev wg-trial nodad",
  "ip -n site link set up0 addrgenmode none up && ip -n site address add fe80::b/64 dev up0 nodad && ip -n site link set lo up",
  `ip -n site address add ${SERVICE}/128 dev lo && ip -n site route add default via fe80::a dev up0`,
  `ip route add ${SERVICE} via fe80::b dev wg-trial`,
  `systemd-run -q --unit=trial-site ip netns exec site python3 /run/trial-site.py ${SERVICE} /run/trial/certificate.pem /run/trial/key.pem`,
].join(" && ");

const trial = new TrialStack();
const home = async (text: string): Promise<string> => (await exec("home", ["sh", "-c", text])).stdout.trim();
const put = (path: string, name: string, mode: string): Promise<string> => {
  const text = readFileSync(join(__dirname, "guest-engines", name)).toString("base64");
  return execOk("home", ["sh", "-c", 'echo "$1" | base64 -d >"$2" && chmod "$3" "$2"', "put", text, path, mode]);
};
/** What `tv` is shown at home's IPv4 address. */
const shown = async (name: string, scheme = "https", path = "/"): Promise<string> => {
  const port = scheme === "https" ? 443 : 80;
  const url = `${scheme}://${name}.${DOMAIN}${path}`;
  const to = ["--resolve", `${name}.${DOMAIN}:${port}:10.20.0.10`];
  const words = ["curl", "-sk", "-m", "20", "-w", " %{http_code} %{redirect_url}", ...to, url];
  const said = (await exec("tv", words)).stdout.trim();
  return said.includes("ACCESS DENIED") ? `ACCESS DENIED ${said.slice(-3)}` : said;
};

let before: string;
beforeAll(async () => {
  await trial.init();
  before = await hostState("home");
  await put("/run/trial-site.py", "site.py", "0644");
  await put(SNID, "snid.py", "0755");
  await execOk("home", ["sh", "-c", SITE]);
  await until("the service answers", async () =>
    (await exec("home", ["ip", "netns", "exec", "site", "curl", "-sk", `https://[${SERVICE}]/`])).stdout.includes(
      "asks",
    ),
  );
});
afterAll(async () => {
  await trial.remove();
  await home(
    `systemctl stop trial-site; ip link del wg-trial; ip netns del site; rm -rf /run/trial /run/trial-site.py ${SNID}`,
  );
});

/** What both engines do alike. */
async function holds(): Promise<void> {
  expect(await shown("wiki", "http", "/a")).toMatch(new RegExp(` 308 https://wiki.${DOMAIN}/a$`));
  expect(await shown("wiki", "http", "/.well-known/acme-challenge/token")).toMatch(
    /asks for \/\.well-known\/acme-challenge\/token 200$/,
  );
  expect(await shown("other", "http")).toBe("ACCESS DENIED 403");
}

test("nginx lets a guest through by name, and shows everybody else the page", async () => {
  await trial.ok(UP, certificate);
  await trial.ok(UP, nginx);
  expect(await shown("wiki")).toBe(`${GUEST} asks for / 200`);
  expect(await shown("other")).toBe("ACCESS DENIED 403");
  await holds();
  expect(await home("cat /var/log/nginx/guests.log")).toMatch(
    / 10\.20\.0\.20 443 "wiki\.trial\.example" \[2001:db8:1:0:2::1\]:443 /,
  );
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], nginx);
});

test("another hand's change to the way back is seen and mended", async () => {
  await home("ip -6 rule del pref 90; nft delete table inet intranet-guests");
  expect((await trial.stack(["preview", "--refresh", "--expect-no-changes"], nginx)).code).not.toBe(0);
  await trial.ok(["refresh", "--yes"], nginx);
  await trial.ok(UP, nginx);
  expect(await shown("wiki")).toBe(`${GUEST} asks for / 200`);
});

test("snid takes the guests over, shut in with the names that are published; nginx keeps the page", async () => {
  await trial.ok(UP, snid);
  expect(await shown("wiki")).toBe(`${GUEST} asks for / 200`);
  await holds();
  const journal = await home("journalctl -u intranet-snid -o cat");
  expect(JSON.parse(journal.match(/^FACTS (.*)$/m)![1]!)).toEqual({
    capabilities: 1 << 10, // CAP_NET_BIND_SERVICE (capabilities(7))
    root: false,
    names: { localhost: [], "debian.org": [], home: [], "hidden.trial.example": [], "wiki.trial.example": [SERVICE] },
    writable: [],
  });
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], snid);
});

test("a program that is none is refused before anything is changed", async () => {
  const { stdout, stderr, code } = await trial.stack(UP, roles({ kind: "snid", binary: { path: "/etc/hostname" } }));
  expect(code).not.toBe(0);
  expect(stdout + stderr).toContain("snid is a program");
  expect(await shown("wiki")).toBe(`${GUEST} asks for / 200`);
});

test("back to nginx, and then nothing is left", async () => {
  await trial.ok(UP, nginx);
  expect(await shown("wiki")).toBe(`${GUEST} asks for / 200`);
  expect(await shown("other")).toBe("ACCESS DENIED 403");
  expect(await home("systemctl is-active intranet-snid; ls /etc/intranet")).not.toMatch(/^active|snid-/m);
  await trial.ok(UP, {});
  expect(
    await home(
      "nft list tables | grep guests; ip -6 rule show pref 90; ip -6 route show table 6496 2>/dev/null; ls /etc/intranet 2>/dev/null",
    ),
  ).toBe("");
  expect(await home("ss -Hltn 'sport = 443 or sport = 80'")).toBe("");
});

test("the host is as it was", async () => {
  await home(
    "ip link del wg-trial; ip netns del site; systemctl stop trial-site; systemctl reset-failed; rm -f " + SNID,
  );
  expect(await hostState("home")).toEqual(before);
});
