/** Router advertisements and redirects: a site's own line brings them, and no tunnel ever does. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { ensureUp, pulumiOk, until } from "./intranet";
import { exec, execOk, lab } from "./support";

const ADVERTISE = readFileSync(path.join(__dirname, "advertise.py"), "utf8");
const TUNNEL = "wg-vps";

/** The default routes of home that router advertisements have brought. */
const advertised = async (): Promise<string> => execOk("home", ["ip", "-6", "route", "show", "default", "proto", "ra"]);
const setting = async (name: string, host = "home"): Promise<string> =>
  (await execOk(host, ["cat", `/proc/sys/net/${name}`])).trim();
const set = (name: string, value: number): Promise<string> =>
  execOk("home", ["sh", "-c", 'echo "$1" >"/proc/sys/net/$2"', "set", String(value), name]);
/** The VPS, or whoever has got hold of it, says over the tunnel that the way to the Internet is by it. */
const advertise = (): Promise<string> => execOk("vps", ["python3", "-c", ADVERTISE, "wg-home", "5"]);

beforeAll(() => ensureUp(), 900_000);

const NEVER = ["ipv6 accept_ra", "ipv6 accept_redirects", "ipv4 accept_redirects", "ipv4 send_redirects"];

test.each(["vps", "home", "cabin", "office"])(
  "on %s no tunnel takes advertisements, or takes or sends redirects",
  async (host) => {
    const tunnels = (await execOk(host, ["sh", "-c", "cd /sys/class/net && ls -d wg-*"])).trim().split("\n");
    expect(tunnels.length).toBeGreaterThan(0);
    for (const tunnel of tunnels)
      for (const name of NEVER) {
        const found = await setting(name.replace(" ", `/conf/${tunnel}/`), host);
        expect([host, tunnel, name, found]).toEqual([host, tunnel, name, "0"]);
      }
  },
);

test("an advertisement over the tunnel brings no default route; with the setting lifted the same one does", async () => {
  const before = await advertised();
  expect(before).not.toContain(TUNNEL);
  await advertise();
  expect(await advertised()).toBe(before);
  // Positive control: it is the setting that holds it off.
  await set(`ipv6/conf/${TUNNEL}/accept_ra`, 2);
  try {
    await advertise();
    await until("the advertisement is taken", async () => (await advertised()).includes(`dev ${TUNNEL}`), 5);
  } finally {
    await execOk("home", ["systemctl", "reload", `wg-quick@${TUNNEL}.service`]);
    await exec("home", ["ip", "-6", "route", "flush", "dev", TUNNEL, "proto", "ra"]);
  }
  expect(await setting(`ipv6/conf/${TUNNEL}/accept_ra`)).toBe("0");
  await advertise();
  expect(await advertised()).toBe(before);
}, 60_000);

test("an interface that comes later takes none either, also after a reset", async () => {
  const look = async (): Promise<string[]> => {
    await execOk("home", ["ip", "link", "add", "later", "type", "veth", "peer", "name", "latest"]);
    try {
      return [await setting("ipv6/conf/later/accept_ra"), await setting(`ipv6/conf/${TUNNEL}/accept_ra`)];
    } finally {
      await execOk("home", ["ip", "link", "del", "later"]);
    }
  };
  expect(await look()).toEqual(["0", "0"]);
  await lab(["reset", "home"], { timeoutSeconds: 120 });
  const there = async () => (await exec("home", ["test", "-e", `/proc/sys/net/ipv6/conf/${TUNNEL}`])).code === 0;
  await until("the tunnel is there", there);
  await until("its script has run", async () => (await setting(`ipv6/conf/${TUNNEL}/accept_redirects`)) === "0");
  expect(await look()).toEqual(["0", "0"]);
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 240_000);

test("the uplink hears them where the kernel handles them, and is left alone where somebody else does", async () => {
  const uplink = "ipv6/conf/eth0/accept_ra";
  const anew = () => execOk("home", ["systemctl", "reload", "intranet-uplink.service"]);
  // The lab's hosts have systemd-networkd, which has switched the kernel's part off.
  expect(await setting(uplink)).toBe("0");
  await set(uplink, 1);
  await anew();
  expect(await setting(uplink)).toBe("2");
  const kept = ["cat", "/etc/sysctl.d/zz-intranet-uplink.conf"];
  expect(await execOk("home", kept)).toContain("net/ipv6/conf/eth0/accept_ra = 2");
  await set(uplink, 0);
  await anew();
  expect(await setting(uplink)).toBe("0");
  expect((await exec("home", kept)).code).not.toBe(0);
}, 60_000);
