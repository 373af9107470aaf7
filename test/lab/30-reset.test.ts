/** A power cut: everything is back without help, within a minute. */
import { lookUp, tunnel } from "./devices";
import { curl, ensureUp, identity, outputs, plan, pulumiOk, until } from "./intranet";
import { exec, lab } from "./support";
import { pingEach } from "./traffic";

const MANAGED = Object.keys(plan().hosts);
const DEVICES = Object.keys(plan().devices);
const SECONDS = 60;
const ROOT_FILE = "/root/internal-root.pem";
const NAME = plan().services["nextcloud"]!.fqdn;
const identities = MANAGED.flatMap((host) => Object.values(identity(host)));

beforeAll(async () => {
  await ensureUp();
  const { certificateAuthority } = await outputs();
  for (const device of DEVICES) {
    await exec(device, ["sh", "-c", 'cat > "$1"', "sh", ROOT_FILE], { stdin: certificateAuthority.rootCertificate });
    await tunnel(device, "up");
  }
  await until("everything works before", async () => (await missing()).length === 0);
}, 600_000);
afterAll(async () => {
  for (const device of DEVICES) {
    await tunnel(device, "down");
    await exec(device, ["rm", "-f", ROOT_FILE]);
  }
  // What the hosts are is what they were, also where nothing asks for it at once.
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 180_000);

/** What does not work yet; empty when everything does. */
async function missing(): Promise<string[]> {
  const looks: Promise<string | undefined>[] = [
    ...[...MANAGED, ...DEVICES].map(async (host) => {
      const answered = await pingEach(host, identities, 2);
      const silent = identities.filter((address) => !(address in answered));
      return silent.length > 0 ? `${host} reaches ${silent.join(", ")}` : undefined;
    }),
    ...[...MANAGED, ...DEVICES].map(async (host) => {
      const found = await lookUp(host, NAME);
      return found.join() !== identity("home").v4 ? `${host} resolves ${NAME} (${found.join()})` : undefined;
    }),
    // By the resolver and the trust that a friend's device has: the tunnel's, and the root's certificate alone.
    ...DEVICES.map(async (device) => {
      const { status, stderr } = await curl(device, ["--cacert", ROOT_FILE, `https://${NAME}/`]);
      return status !== 200 ? `${device} is served ${NAME} (${status} ${stderr.trim()})` : undefined;
    }),
    (async () => {
      const { status } = await curl("visitor", ["--insecure", `https://${NAME}/`]);
      return status !== 403 ? `a stranger is denied (${status})` : undefined;
    })(),
  ];
  return (await Promise.all(looks)).filter((line) => line !== undefined);
}

/** When the host's systemd began, in microseconds on the machine's clock; "" while it does not answer. */
const bootTime = async (host: string): Promise<string> =>
  (await exec(host, ["systemctl", "show", "--property", "UserspaceTimestampMonotonic", "--value"])).stdout.trim();
const bootTimes = (hosts: string[]): Promise<string[]> => Promise.all(hosts.map(bootTime));

/** What BIRD says of a host's neighbours, for whoever looks why something is missing. */
const neighbours = async (host: string): Promise<string> =>
  `${host}: ${(await exec(host, ["birdc", "show", "ospf", "neighbors"])).stdout}`;

/**
 * Takes the power from hosts and gives it back; everything has to work a minute after the last of them has begun to
 * boot.
 */
async function powerCut(hosts: string[], cut: () => Promise<void>): Promise<void> {
  const before = await bootTimes(hosts);
  expect(before).not.toContain("");
  await cut();
  const began = await until("booted anew", async () => {
    const now = await bootTimes(hosts);
    return now.every((time, index) => time !== "" && time !== before[index]) && now;
  });
  const seconds = (): number => Number(process.hrtime.bigint()) / 1e9 - Math.max(...began.map(Number)) / 1e6;
  let still = ["not looked yet"];
  while (still.length > 0 && seconds() < SECONDS) still = await missing();
  if (still.length > 0) still.push(...(await Promise.all(MANAGED.map(neighbours))));
  expect({ still, seconds: Math.round(seconds()) }).toEqual({ still: [], seconds: expect.any(Number) });
  expect(seconds()).toBeLessThan(SECONDS);
  // Every tunnel had its own addresses when BIRD found it: with another link-local one nothing that it says gets out.
  const errors = await Promise.all(hosts.map((host) => exec(host, ["journalctl", "-b", "-u", "bird", "-o", "cat"])));
  for (const { stdout } of errors) {
    expect(stdout).toContain("Started");
    expect(stdout).not.toContain("Socket error");
  }
}

test.each(MANAGED)(
  "%s is reset: identities, names, https and the devices' tunnels are back",
  (host) =>
    powerCut([host], async () => {
      await lab(["reset", host]);
    }),
  180_000,
);

test(
  "the power is cut everywhere at once: everything is back",
  () =>
    powerCut(MANAGED, async () => {
      await Promise.all(MANAGED.map((host) => lab(["off", host])));
      await Promise.all(MANAGED.map((host) => lab(["on", host])));
    }),
  180_000,
);
