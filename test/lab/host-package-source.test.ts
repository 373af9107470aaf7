/**
 * A package that no apt source of the host has: its repository comes with the role, by the key's fingerprint, pinned to
 * it alone, and goes with it; or a file comes by its checksum. On a server of its own.
 */
import type { ConnectionArgs, PackageSourceArgs } from "pulumi-intranet/host";
import { STEP_CA_SOURCE } from "../../lab/constants";
import type { Trial } from "./host-program/trial";
import { makeManagedServers, removeManagedServers } from "./servers";
import { execOk } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(300_000);

const HOST = "source-1";
const trial = new TrialStack();
const script = async (text: string) => (await execOk(HOST, ["sh", "-c", text])).trim();
const { repository, key, fingerprint } = STEP_CA_SOURCE;
const REPOSITORY: PackageSourceArgs = {
  name: "the lab's repository",
  uri: repository,
  suite: "debs",
  components: ["main"],
  key,
  fingerprint,
  packages: ["step-ca", "step-cli"],
};
const POOL = `${repository}/pool/debs`;
const SOURCE = [
  "/etc/apt/keyrings/intranet-step-ca.asc",
  "/etc/apt/preferences.d/intranet-step-ca.pref",
  "/etc/apt/sources.list.d/intranet-step-ca.sources",
];
const WAYS = { other: "0".repeat(40), wrong: { command: ["false"], timeoutSeconds: 1 } };
let server: ConnectionArgs;
let file: { deb: string; sha256: string };

const roles = (source?: PackageSourceArgs, more: object = {}): Trial["roles"] => ({
  app: {
    connection: server,
    packages: ["step-ca"],
    ...(source === undefined ? {} : { packageSources: { "step-ca": source } }),
    ...more,
  },
});
/** What there is of the source and the package, and all of apt's configuration. */
const found = () =>
  script(
    "ls -1 /usr/bin/step-ca 2>/dev/null; find /etc/apt -type f -name '*intranet*' | sort; ls -d /var/lib/intranet 2>/dev/null || true",
  );
const configuration = () => script("find /etc/apt -printf '%p %m %u\\n' | sort; dpkg-query -W");

beforeAll(async () => {
  const [made] = await makeManagedServers(1, "source");
  server = { address: made!.ipv4, hostKeys: [made!.hostKey], name: "source" };
  await trial.init();
  await script("apt-get -q update");
  const deb = `${POOL}/${await script(`curl -fsS ${repository}/dists/debs/main/binary-$(dpkg --print-architecture)/Packages | sed -n 's#^Filename: .*/step#step#p'`)}`;
  file = { deb, sha256: (await script(`curl -fsS ${deb} | sha256sum`)).split(" ")[0]! };
});
afterAll(async () => {
  await trial.remove();
  await removeManagedServers(1, "source");
});

test("a preview says where it comes from and changes nothing; without a source it is refused", async () => {
  const before = await configuration();
  const without = await trial.stack(["preview"], roles());
  expect([without.code !== 0, without.stdout + without.stderr]).toEqual([
    true,
    expect.stringMatching(/no apt source of this host has step-ca/),
  ]);
  expect(await trial.ok(["preview"], roles(REPOSITORY))).toMatch(
    new RegExp(`step-ca comes from the lab's repository, ${repository}, signed by ${fingerprint}`),
  );
  expect(await configuration()).toBe(before);
  expect(await found()).toBe("");
});

describe("what is refused or undone leaves nothing", () => {
  const refused = async (words: RegExp, source: PackageSourceArgs, more: object = {}) => {
    const before = await configuration();
    expect(await trial.failing(roles(source, more))).toMatch(words);
    expect(await configuration()).toBe(before);
    expect(await script("ls /usr/bin/step-ca /etc/apt/keyrings/* 2>/dev/null || true")).toBe("");
  };

  test("another fingerprint, with the one that is there", () =>
    refused(new RegExp(`another fingerprint than ${WAYS.other}: ${fingerprint}`), {
      ...REPOSITORY,
      fingerprint: WAYS.other,
    }));

  test("a repository that the key has not signed", () =>
    refused(/intranet-step-ca.sources could not be fetched/, { ...REPOSITORY, uri: `${repository}/pool` }));

  test("what is no key", () => refused(/is no key for step-ca's repository/, { ...REPOSITORY, key: file.deb }));

  test("a server that other packages come from", () =>
    refused(/cannot be pinned to step-ca alone/, { ...REPOSITORY, uri: "http://192.0.2.80/stable/debian" }));

  test("a file with another checksum, and one of another package", async () => {
    await refused(/has another checksum than sha256 0000/, { ...file, sha256: "0".repeat(64) });
    const list = (await script(`curl -fsS ${key} | sha256sum`)).split(" ")[0]!;
    await refused(/is no Debian package, and not step-ca/, { deb: key, sha256: list });
  });

  test("a role whose probe fails after all is installed", async () => {
    await refused(/step-ca comes from the lab's repository[^]*putting the earlier state back/, REPOSITORY, {
      probes: [WAYS.wrong],
    });
  });
});

test("it comes by the repository, pinned to it alone, and goes with the role", async () => {
  const before = await configuration();
  await trial.ok(UP, roles(REPOSITORY));
  expect(await found()).toBe(["/usr/bin/step-ca", ...SOURCE, "/var/lib/intranet"].join("\n"));
  expect(await script("apt-get -q update 2>&1 | grep -c '^[WE]:' || true")).toBe("0");
  // What else the repository has is seen and not taken, though it is newer; without the pin it would be.
  expect(await script("apt-cache policy step-ca")).toMatch(/Candidate: 0\.30\.2\n[^]*-1 http:\/\/packages\.example/);
  expect(await script("apt-cache policy jq")).toMatch(/Candidate: 1\.[^]* 99 -1\n +-1 http:\/\/packages\.example/);
  expect(await script("apt-cache -o Dir::Etc::preferencesparts=/none policy jq")).toMatch(/Candidate: 99\n/);
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], roles(REPOSITORY));
  await script(`rm ${SOURCE[1]!}`);
  const drifted = await trial.ok(["preview", "--refresh", "--diff"], roles(REPOSITORY));
  expect(drifted).toMatch(/source of package step-ca: its key, its pin or itself is not as applied/);
  await trial.ok([...UP, "--refresh"], roles(REPOSITORY));
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], roles(REPOSITORY));
  // Another change of the role leaves the source as it is.
  await trial.ok(UP, roles(REPOSITORY, { files: { "/etc/source-app": { content: "x\n" } } }));
  expect(await found()).toBe(["/usr/bin/step-ca", ...SOURCE, "/var/lib/intranet"].join("\n"));
  await trial.ok(UP, {});
  expect(await found()).toBe("");
  expect(await configuration()).toBe(before);
  expect(await script("apt-cache policy step-ca")).not.toMatch(/Candidate: 0/);
});

test("a file comes by its checksum, and goes with the role", async () => {
  const before = await configuration();
  await trial.ok(UP, roles(file));
  expect(await found()).toBe("/usr/bin/step-ca\n/var/lib/intranet");
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], roles(file));
  await trial.ok(UP, {});
  expect(await configuration()).toBe(before);
});

test("a host whose apt has it keeps its own source, and so does one that is told to", async () => {
  await script(
    `echo 'deb [trusted=yes] ${repository} debs main' >/etc/apt/sources.list.d/owners.list && apt-get -q update`,
  );
  const before = await configuration();
  expect(await trial.ok(["preview"], roles(REPOSITORY))).not.toMatch(/step-ca comes from/);
  for (const source of [{ ...REPOSITORY, fingerprint: WAYS.other }, undefined]) {
    await trial.ok(UP, roles(source));
    expect(await found()).toBe("/usr/bin/step-ca\n/var/lib/intranet");
    await trial.ok(UP, {});
    expect(await configuration()).toBe(before);
  }
  await script("rm /etc/apt/sources.list.d/owners.list && apt-get -q update");
});
