/** Who may change what: the operator after a move, and nobody by mistake. */
import { HOME } from "../../lab/constants";
import { changedConfig, ensureUp, outputs, pulumi, pulumiOk, up } from "./intranet";
import { hetzner } from "./lifted";
import { execOk, probe } from "./support";

/** The address that home's provider gives it from now on. */
const NEW = "198.51.100.131";
const POSTROUTING = ["inet", "router", "postrouting"];
/** From the new address; with a change that needs a login on the VPS, a protected server, and nothing else. */
const moved = changedConfig((network) => {
  network.sinkhole.management.from = [`${NEW}/32`, "2001:db8:a::/56"];
  network.devices.tablet = {};
  network.protect = "true";
});
let handle: string | undefined;
let vps: string;

/** Home's connections come from the new address, as far as they are new. */
async function move(): Promise<void> {
  await execOk("home-router", ["ip", "address", "replace", `${NEW}/32`, "dev", "wan"]);
  await execOk("internet", ["ip", "route", "replace", `${NEW}/32`, "dev", "home"]);
  const rule = ["ip", "saddr", HOME.lan.ipv4Prefix, "oifname", "wan", "snat", "ip", "to", NEW];
  const inserted = await execOk("home-router", [
    "nft",
    "--echo",
    "--handle",
    "insert",
    "rule",
    ...POSTROUTING,
    ...rule,
  ]);
  handle = /# handle (\d+)/.exec(inserted)![1];
}

async function moveBack(): Promise<void> {
  if (handle === undefined) return;
  await execOk("home-router", ["nft", "delete", "rule", ...POSTROUTING, "handle", handle]);
  handle = undefined;
  await execOk("internet", ["ip", "route", "del", `${NEW}/32`]);
  await execOk("home-router", ["ip", "address", "del", `${NEW}/32`, "dev", "wan"]);
}

beforeAll(async () => {
  await ensureUp();
  vps = (await outputs())["sinkhole"].ipv4;
  await move();
}, 600_000);
afterAll(async () => {
  await moveBack();
  await ensureUp();
}, 300_000);

const fate = async () => (await probe("operator", vps, { port: 22 })).fate;

describe("home has got another address", () => {
  test("which locks the operator out", async () => {
    expect(await fate()).toBe("filtered");
  });

  test("and one `up` lets him in, and does what is to be done on the host", async () => {
    await up(moved);
    expect(await fate()).toBe("accepted");
    await pulumiOk(["preview", "--expect-no-changes", ...moved]);
  }, 200_000);
});

describe("a protected sinkhole", () => {
  test("is not destroyed: the error says how it would be, and nothing is gone", async () => {
    const before = await hetzner("/servers");
    // The preview refuses. Without it the engine would come to the protected server last.
    const { code, stdout, stderr } = await pulumi(["destroy", "--yes", ...moved]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/cannot be deleted[^]*protect/);
    expect((await hetzner("/servers")).servers).toEqual(before.servers);
    await pulumiOk(["preview", "--expect-no-changes", ...moved]);
  }, 200_000);

  test("is not deleted at the provider either", async () => {
    const { servers } = await hetzner("/servers");
    expect(servers.map((server: any) => server.protection)).toEqual([{ delete: true, rebuild: true }]);
    const refused = await hetzner(`/servers/${servers[0].id}`, "DELETE");
    expect(refused.error.code).toBe("protected");
  });
});

test("back at the old address the same holds, and the protection goes", async () => {
  await moveBack();
  expect(await fate()).toBe("filtered");
  await up();
  expect(await fate()).toBe("accepted");
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 200_000);
