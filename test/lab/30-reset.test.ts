/** A power cut: everything is back without help. */
import { tunnel } from "./devices";
import { curl, ensureUp, plan, pulumiOk, until } from "./intranet";
import { exec, lab } from "./support";

beforeAll(async () => {
  await ensureUp();
  await tunnel("laptop", "up");
}, 600_000);
afterAll(() => tunnel("laptop", "down"));

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

/** When the host's systemd began, on the machine's clock; "" while it does not answer. */
const bootTime = async (host: string) =>
  (await exec(host, ["systemctl", "show", "--property", "UserspaceTimestampMonotonic", "--value"])).stdout.trim();

test.each(["vps", "home"])(
  "%s is reset and everything is back",
  async (host) => {
    await until("the service before", serviceAnswers);
    const before = await bootTime(host);
    expect(before).not.toBe("");
    await lab(["reset", host]);
    await until("booted anew", async () => {
      const now = await bootTime(host);
      return now !== "" && now !== before;
    });
    await until("a stranger is denied", strangerDenied);
    await until("the service answers", serviceAnswers);
    await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
  },
  180_000,
);
