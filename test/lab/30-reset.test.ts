/** A power cut: everything is back without help. */
import { curl, ensureUp, laptopTunnel, plan, pulumiOk, until } from "./intranet";
import { exec, lab } from "./support";

beforeAll(async () => {
  await ensureUp();
  await laptopTunnel("up");
}, 600_000);
afterAll(() => laptopTunnel("down"));

const serviceAnswers = async () =>
  (
    await curl("laptop", [
      "--resolve",
      `nextcloud.intranet.example:80:${plan().hosts["home"]!.identity.v4}`,
      "http://nextcloud.intranet.example/",
    ])
  ).status === 200;
const strangerDenied = async () =>
  (await curl("visitor", ["--insecure", "https://nextcloud.intranet.example/"])).status === 403;

test.each(["vps", "home"])(
  "%s is reset and everything is back",
  async (host) => {
    await until("the service before", serviceAnswers);
    const before = (await exec(host, ["cat", "/proc/sys/kernel/random/boot_id"])).stdout;
    const booted = (await exec(host, ["stat", "-c", "%Y", "/run/systemd"])).stdout;
    await lab(["reset", host]);
    expect(
      await until(
        "booted anew",
        async () => (await exec(host, ["stat", "-c", "%Y", "/run/systemd"])).stdout !== booted || before === "",
      ),
    ).toBeTruthy();
    await until("a stranger is denied", strangerDenied);
    await until("the service answers", serviceAnswers);
    await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
  },
  180_000,
);
