/** Host keys, login keys and the CA's intermediate change under pings and https of which not one fails. */
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEY_LABELS } from "../../lab/constants";
import { deriveSshKey } from "../../lab/keys";
import { giveRoot, ROOT_ALONE, ROOT_FILE, shown, state } from "./certificates";
import { resolveThrough, staticRoutes, tunnel } from "./devices";
import { changedConfig, curl, ensureUp, identity, outputs, plan, pulumi, pulumiOk, until } from "./intranet";
import { exec, execOk } from "./support";
import { type Watched, watchHttps, watchPing } from "./watch";

const { domain } = plan();
const NEXTCLOUD = `nextcloud.${domain}`;
/** Its certificates live for minutes. */
const PHOTOS = `photos.${domain}`;
const DEVICES = ["laptop", "tv"];
/** What the second service is. */
const APPLICATION = "photos-application";
const SERVE = [
  "python3",
  "-m",
  "http.server",
  "--bind",
  "127.0.0.1",
  "--directory",
  "/usr/share/common-licenses",
  "8083",
];
const first = deriveSshKey(KEY_LABELS.operator).publicKey;
const second = deriveSshKey("second operator");
const folder = mkdtempSync(join(tmpdir(), "intranet-trust-"));
const SECOND_KEY = join(folder, "second");
/** Commands that run with the second key alone, and with the first one's agent beside it. */
const [AS_SECOND, AS_BOTH] = [{ SSH_AUTH_SOCK: "", INTRANET_SSH_KEY: SECOND_KEY }, { INTRANET_SSH_KEY: SECOND_KEY }];
const homeKeys = [deriveSshKey(KEY_LABELS.homeHostKey), deriveSshKey("second home host key")] as const;
const LOGINS = "/root/.ssh/authorized_keys";
const HOST_KEYS: Record<string, string> = {
  vps: "/etc/ssh/ssh_host_ed25519_key",
  cabin: "/etc/intranet/ssh/host_key",
  office: "/etc/intranet/ssh/host_key",
};

/** The description with short certificates and one more service, so that there is something to renew. */
const short = (change: (network: any) => void): string[] =>
  changedConfig((network) => {
    Object.assign(network.certificateAuthority, { leafLifetime: "3m", renewInterval: "5s" });
    network.services.photos = { at: "home", port: 8083 };
    change(network);
  });
/** Another version of every host key that the library makes. */
const rehosted = (network: any): void => {
  network.sinkhole.hostKeyVersion = 2;
  for (const site of ["cabin", "office"]) network.sites[site].host.hostKeyVersion = 2;
};
const up = async (config: string[], env: Record<string, string> = {}): Promise<string> => {
  const result = await pulumi(["up", "--yes", "--skip-preview", ...config], { timeoutSeconds: 500, env });
  if (result.code !== 0) throw new Error(`up: ${result.code}\n${result.stdout}\n${result.stderr}`);
  return result.stdout + result.stderr;
};
const put = (host: string, file: string, text: string) =>
  exec(host, ["sh", "-c", 'umask 077; cat > "$1"', "sh", file], { stdin: text });
/** What the owner of a host does that shows a key of his own. */
const rekeyHome = async (key: (typeof homeKeys)[number]): Promise<void> => {
  await put("home", HOST_KEYS["vps"]!, key.privateKey);
  await put("home", `${HOST_KEYS["vps"]!}.pub`, `${key.publicKey}\n`);
  await execOk("home", ["systemctl", "reload", "ssh.service"]);
};
const hostKey = async (host: string): Promise<string> =>
  (await execOk(host, ["ssh-keygen", "-y", "-f", HOST_KEYS[host]!])).trim();
const issuers = async (device: string, name: string): Promise<string[]> =>
  (await shown(device, name)).map(({ issuer }) => /^CN=(.*)$/m.exec(issuer)![1]!);

let watches: (() => Promise<Watched>)[] = [];
let photos: (() => Promise<Watched>)[] = [];
let logins: string;
beforeAll(async () => {
  writeFileSync(SECOND_KEY, second.privateKey, { mode: 0o600 });
  await ensureUp();
  await execOk("home", ["systemd-run", "--quiet", "--collect", `--unit=${APPLICATION}`, ...SERVE]);
  await up(short(() => undefined));
  const { certificateAuthority } = await outputs();
  for (const device of DEVICES) await giveRoot(device, certificateAuthority.rootCertificate);
  await tunnel("laptop", "up");
  await staticRoutes("home", "entered");
  await resolveThrough("tv", [identity("home").v4, identity("cabin").v4]);
  logins = await execOk("home", ["cat", LOGINS]);
  for (const name of [NEXTCLOUD, PHOTOS])
    for (const device of DEVICES)
      await until(`${device} is served ${name}`, async () => {
        return (await curl(device, [...ROOT_ALONE, `https://${name}/`])).status === 200;
      });
  const pings = ["vps", "cabin", "office"].map((host) => watchPing("laptop", identity(host).v4));
  const pages = DEVICES.map((device) => watchHttps(device, `https://${NEXTCLOUD}/`, ROOT_FILE));
  watches = await Promise.all([...pings, watchPing("tv", identity("cabin").v4), ...pages]);
  photos = await Promise.all(DEVICES.map((device) => watchHttps(device, `https://${PHOTOS}/`, ROOT_FILE)));
}, 900_000);
afterAll(async () => {
  await Promise.allSettled([...watches, ...photos].map((end) => end()));
  await rekeyHome(homeKeys[0]);
  await up([], AS_BOTH);
  await put("home", LOGINS, logins);
  await exec("home", ["systemctl", "stop", `${APPLICATION}.service`]);
  await resolveThrough("tv");
  await staticRoutes("home", "removed");
  await tunnel("laptop", "down");
  for (const device of DEVICES) await exec(device, ["rm", "-f", ROOT_FILE]);
  rmSync(folder, { recursive: true, force: true });
  await pulumiOk(["preview", "--refresh", "--expect-no-changes"]);
}, 900_000);

test("host keys of the sinkhole and of enrolled hosts, and a login key beside the old one, in one up; the owner's host is pinned twice", async () => {
  const before = await Promise.all(Object.keys(HOST_KEYS).map(hostKey));
  const config = short((network) => {
    rehosted(network);
    network.sshPublicKeys = [first, second.publicKey];
    network.sites.home.host.hostKeys = homeKeys.map(({ publicKey }) => publicKey);
  });
  const said = await up(config);
  const rekeyed = new Set([...said.matchAll(/(\S+): the host gets another SSH host key/g)].map(([, host]) => host));
  expect([...rekeyed].sort()).toEqual(["cabin", "office", "vps"]);
  expect(said).toMatch(/step 1 of 2/);
  const after = await Promise.all(Object.keys(HOST_KEYS).map(hostKey));
  for (const [index, key] of after.entries()) expect(key).not.toBe(before[index]);
  await pulumiOk(["preview", "--expect-no-changes", ...config]);
}, 900_000);

test("the old login key is taken out by an up that runs with the new one, while the intermediate changes and the owner's host shows its new key", async () => {
  const [old] = await issuers("tv", NEXTCLOUD);
  await put("home", LOGINS, `${logins.trimEnd()}\n${second.publicKey}\n`);
  await rekeyHome(homeKeys[1]);
  const config = short((network) => {
    rehosted(network);
    network.sshPublicKeys = [second.publicKey];
    network.sites.home.host.hostKeys = [homeKeys[1].publicKey];
    network.certificateAuthority.intermediateVersion = 2;
  });
  expect(await up(config, AS_SECOND)).toMatch(/step 2 of 2/);
  const listed = await Promise.all(
    ["vps", "cabin", "office"].map((host) =>
      execOk(host, ["cat", host === "vps" ? LOGINS : "/etc/intranet/ssh/authorized_keys"]),
    ),
  );
  for (const text of listed) expect([text.includes(first), text.includes(second.publicKey)]).toEqual([false, true]);

  const { certificate } = await state("IntermediateCertificate");
  expect(await execOk("home", ["cat", "/etc/step-ca/intermediate.crt"])).toBe(certificate);
  // A leaf of before stays what it was; the next one comes from the new intermediate, and shows it beside itself.
  expect(await issuers("tv", NEXTCLOUD)).toEqual([old, `${domain} root`]);
  await until(
    "the short certificate is renewed",
    async () => (await issuers("tv", PHOTOS)).join() === `${domain} intermediate 2,${domain} root`,
    240,
  );
  const { fingerprint256 } = new X509Certificate(certificate!);
  for (const device of DEVICES) expect((await shown(device, PHOTOS))[1]!.fingerprint256).toBe(fingerprint256);
}, 900_000);

test("not one ping and not one request was lost", async () => {
  const ended = await Promise.all([...photos, ...watches].map((end) => end()));
  [photos, watches] = [[], []];
  expect(ended.flatMap(({ lost }) => lost)).toEqual([]);
  for (const { answers } of ended) expect(answers).toBeGreaterThan(20);
}, 120_000);
