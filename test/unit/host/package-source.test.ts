/** Sources of packages: the agent's reading of OpenPGP keys, and what a death between any two steps leaves. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkRole } from "../../../host/resource/check";
import { Scratch } from "./scratch";

jest.setTimeout(120_000);

const AGENT = join(__dirname, "../../../host/agent");
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** What `select` says of a key file: the wanted key and all fingerprints, or what is wrong with it. */
function select(data: Buffer, fingerprint: string): { key: string | null; seen: string[] } | string {
  const program =
    "import sys,json;sys.path.insert(0,sys.argv[1]);import openpgp\n" +
    "try: print(json.dumps(dict(zip(('key','seen'),openpgp.select(sys.stdin.buffer.read(),sys.argv[2])))))\n" +
    "except ValueError as error: print(json.dumps(str(error)))";
  return JSON.parse(
    execFileSync("python3", ["-B", "-c", program, AGENT, fingerprint], { input: data, encoding: "utf8" }),
  ) as ReturnType<typeof select>;
}

/** A key of version 4 with nothing but its first packet. */
function makeKey(seed: number): { packet: Buffer; fingerprint: string } {
  const body = Buffer.concat([Buffer.from([4, 0x65, 0, 0, 0, 22]), Buffer.alloc(40, seed)]);
  const head = Buffer.from([0x99, 0, body.length]);
  const fingerprint = createHash("sha1")
    .update(Buffer.concat([head, body]))
    .digest("hex")
    .toUpperCase();
  return { packet: Buffer.concat([Buffer.from([0xc6, body.length]), body]), fingerprint };
}

/** What gpg finds in a file: fingerprints of whole keys, in the file's order. */
function gpg(file: string): string[] {
  const list = execFileSync("gpg", ["--batch", "--with-colons", "--show-keys", file], {
    encoding: "utf8",
    stdio: "pipe",
  });
  const keys = list.split(/^pub:/m).slice(1);
  return keys.map((key) => /^fpr:.*:([0-9A-F]{40}):$/m.exec(key)![1]!);
}

describe("keys", () => {
  test("fingerprints are those that gpg finds, and one key of several is cut out whole", () => {
    const ring = readFileSync(KEYRING);
    const expected = gpg(KEYRING);
    expect(expected.length).toBeGreaterThan(1);
    const found = select(ring, expected[1]!) as { key: string; seen: string[] };
    expect(found.seen).toEqual([...expected].sort());
    const host = new Scratch();
    try {
      host.write("/key.asc", found.key);
      expect(gpg(host.at("/key.asc"))).toEqual([expected[1]]);
      // Armoured it reads as the same.
      expect(select(Buffer.from(found.key), expected[1]!)).toEqual({ key: found.key, seen: [expected[1]] });
    } finally {
      host.remove();
    }
  });

  test("another fingerprint gives none, whatever the file holds besides", () => {
    const [one, other] = [makeKey(1), makeKey(2)];
    expect(select(one.packet, other.fingerprint)).toEqual({ key: null, seen: [one.fingerprint] });
    const both = select(Buffer.concat([one.packet, other.packet]), other.fingerprint) as { key: string };
    expect(select(Buffer.from(both.key), other.fingerprint)).toEqual({ key: both.key, seen: [other.fingerprint] });
  });

  test.each([
    ["text", Buffer.from("<html>"), "it is no OpenPGP key"],
    ["a packet of another kind first", Buffer.from([0xcd, 1, 65]), "it does not begin with a public key"],
    ["a cut one", makeKey(1).packet.subarray(0, 20), "it ends too early"],
    ["a length without end", Buffer.from([0x9b, 1]), "a packet of it has no length"],
    ["an old version", Buffer.from([0xc6, 2, 3, 0]), "it is a key of version 3"],
    ["an empty one", Buffer.from([0xc6, 0]), "it holds an empty key"],
  ])("%s is refused in words", (_case, data, words) => expect(select(data, "0".repeat(40))).toBe(words));
});

describe("a role with a source, wherever the agent dies", () => {
  const key = makeKey(7);
  const FILES = [
    "keyrings/intranet-r-app.asc",
    "preferences.d/intranet-r-app.pref",
    "sources.list.d/intranet-r-app.sources",
  ];
  const source = (fingerprint = key.fingerprint) => ({
    name: "the vendor",
    uri: "http://vendor.example/debian",
    suite: "debs",
    components: ["main"],
    key: "http://vendor.example/key",
    fingerprint,
    packages: ["r-app"],
  });
  const request = (more: object = {}) => ({
    action: "apply",
    packages: ["r-app"],
    packageSources: { "r-app": source() },
    ...more,
  });
  let host: Scratch;

  beforeEach(() => {
    host = new Scratch();
    for (const folder of ["/etc/apt/sources.list.d", "/var/lib/dpkg", "/usr/sbin", "/usr/lib/apt"])
      mkdirSync(host.at(folder), { recursive: true });
    host.write("/key", key.packet.toString("latin1"));
    writeFileSync(host.at("/key"), key.packet);
    const program = (path: string, text: string) => writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    for (const name of ["apt-get", "apt-cache", "dpkg", "dpkg-query"]) host.pretend(name);
    const bin = `${host.root}.bin`;
    const [there, listed] = [host.at("/installed"), host.at(`/etc/apt/${FILES[2]}`)];
    program(`${bin}/apt-cache`, 'echo "  Candidate: (none)"');
    program(
      `${bin}/dpkg-query`,
      `[ -e ${there} ] || exit 0; case "$*" in *Abbrev*) echo "ii  r-app";; *) echo "installed r-app";; esac`,
    );
    program(`${bin}/apt-get`, `case "$*" in *" install "*) [ -e ${listed} ] && touch ${there} || exit 100;; esac`);
    program(`${bin}/dpkg`, `case "$*" in *--purge*) rm -f ${there};; esac`);
    program(
      host.at("/usr/lib/apt/apt-helper"),
      `while [ "$1" != download-file ]; do shift; done; cp ${host.at("/key")} "$3"`,
    );
  });
  afterEach(() => host.remove());

  const apt = () => Object.keys(host.tree("/etc/apt")).filter((path) => path.includes("intranet"));
  const whole = FILES.map((name) => `/etc/apt/${name}`);

  test("it is whole or gone, and goes with the role", () => {
    const before = host.tree();
    const done = host.run(request());
    expect([done.answer?.ok, apt(), existsSync(host.at("/installed"))]).toEqual([true, whole, true]);
    expect(host.read(whole[1]!)).toBe(
      "Package: r-app\nPin: origin vendor.example\nPin-Priority: 500\n\n" +
        "Package: *\nPin: origin vendor.example\nPin-Priority: -1\n",
    );
    expect(host.read(whole[2]!)).toContain(`\nSigned-By: ${whole[0]}\n`);
    expect(host.run({ action: "remove" }).answer?.ok).toBe(true);
    expect(host.tree("/etc/apt")).toEqual(
      Object.fromEntries(Object.entries(before).filter(([path]) => path.startsWith("/etc/apt"))),
    );
    const steps = done.steps.slice(done.steps.indexOf("packages"), done.steps.indexOf("ledger"));
    expect(steps).toEqual(expect.arrayContaining(["sources", `source:${whole[2]}`, "sources listed", "installed"]));
    for (const step of new Set(steps)) {
      rmSync(host.at("/installed"), { force: true });
      expect([step, host.run(request(), step).signal]).toEqual([step, "SIGKILL"]);
      host.look();
      expect([step, apt(), existsSync(host.at("/installed"))]).toEqual([step, [], false]);
    }
  });

  test("another fingerprint leaves nothing", () => {
    const { answer } = host.run(request({ packageSources: { "r-app": source("0".repeat(40)) } }));
    expect(answer).toMatchObject({
      ok: false,
      rolledBack: true,
      message: expect.stringContaining(key.fingerprint) as string,
    });
    expect([apt(), existsSync(host.at("/installed"))]).toEqual([[], false]);
  });

  test("a refresh sees what another hand did to each of the three, and the next change mends it", () => {
    const look = () => host.look({ packages: ["r-app"], packageSources: { "r-app": source() } })["sources"];
    expect(look()).toEqual([]);
    host.run(request());
    const changes: [string, () => void][] = [
      ...whole.map((path): [string, () => void] => [path, () => rmSync(host.at(path))]),
      ["pin", () => host.write(whole[1]!, "")],
      ["mode", () => chmodSync(host.at(whole[2]!), 0o666)],
      ["a second key", () => writeFileSync(host.at(whole[0]!), Buffer.concat([key.packet, makeKey(8).packet]))],
    ];
    for (const [name, change] of changes) {
      expect([name, look()]).toEqual([name, []]);
      change();
      expect([name, look()]).toEqual([name, ["r-app"]]);
      expect(host.run(request()).answer?.ok).toBe(true);
    }
    expect(look()).toEqual([]);
  });

  test("a role of an earlier release, whose package is there, gets none when it comes to name one", () => {
    host.write("/installed", "");
    expect(host.run(request({ packageSources: {} })).answer?.ok).toBe(true);
    const { answer } = host.run(request());
    expect([answer?.ok, answer?.["changed"], apt()]).toEqual([true, [], []]);
  });

  test("what stood in a source's place comes back", () => {
    host.write(whole[2]!, "# the owner's\n", 0o600);
    expect(host.run(request()).answer?.ok).toBe(true);
    expect(host.read(whole[2]!)).toContain("vendor.example");
    host.run({ action: "remove" });
    expect(host.read(whole[2]!)).toBe("# the owner's\n");
  });

  test("a key that somebody removed is fetched again; a role without the source lets all three go", () => {
    host.run(request());
    rmSync(host.at(whole[0]!));
    expect(host.run(request()).answer?.ok).toBe(true);
    expect(apt()).toEqual(whole);
    expect(host.run(request({ packageSources: {} })).answer?.ok).toBe(true);
    expect([apt(), existsSync(host.at("/installed"))]).toEqual([[], true]);
  });
});

describe("arguments", () => {
  const repository = {
    name: "the vendor",
    uri: "https://vendor.example/debian",
    suite: "debs",
    components: ["main"],
    key: "https://vendor.example/key.gpg",
    fingerprint: "A".repeat(40),
    packages: ["app"],
  };
  const problems = (source: object, packages = ["app"]) =>
    checkRole({
      connection: { address: "192.0.2.1", hostKeys: [] },
      role: "r",
      packages,
      packageSources: { app: source },
    })
      .filter(({ property }) => property.startsWith("packageSources"))
      .map(({ reason }) => reason);

  test("what is right has no problem", () => {
    expect(problems(repository)).toEqual([]);
    expect(problems({ deb: "http://vendor.example/app.deb", sha256: "0".repeat(64) })).toEqual([]);
  });

  test.each([
    ["a URL with a user", { ...repository, uri: "https://me@vendor.example/" }, /uri must be an http or https URL/],
    ["a line break", { ...repository, uri: "https://vendor.example/\nTrusted: yes" }, /uri must be/],
    ["two suites", { ...repository, suite: "a b" }, /suite must be letters/],
    ["a short fingerprint", { ...repository, fingerprint: "A".repeat(16) }, /whole fingerprint/],
    ["a file without a checksum", { deb: "https://vendor.example/app.deb" }, /sha256 is missing/],
    ["both", { ...repository, deb: "https://vendor.example/a.deb", sha256: "0".repeat(64) }, /does not go with/],
    ["another package", { ...repository, packages: ["other"] }, /must name app itself/],
    ["no component", { ...repository, components: [] }, /components must be a list that is not empty/],
    ["an unknown field", { ...repository, trusted: "yes" }, /no known argument/],
  ])("%s is refused", (_case, source, words) => {
    expect(problems(source)).toContainEqual(expect.stringMatching(words));
  });

  test("a source for a package that the role has not is refused", () =>
    expect(problems(repository, ["other"])).toContainEqual(expect.stringMatching(/none of this role's packages/)));
});
