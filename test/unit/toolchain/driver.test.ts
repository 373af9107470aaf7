import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { FakeMachine } from "./fake-programs";

const root = path.resolve(__dirname, "../../..");
const pins = JSON.parse(readFileSync(path.join(root, "toolchain/pins.json"), "utf8")) as {
  engine: Record<string, { version: string; module: string }>;
  programs: Record<string, { version: string }>;
  plugins: Record<string, { version: string }>;
};
const everything = ["pulumi", "pulumi-language-nodejs", "pulumi-tfgen-hcloud", "pulumi-resource-hcloud"];

/** With these to be had, a build has nothing to bundle. */
const quick = { FAKE_OFFICIAL: "cloudflare command" };

/** The lines of the table: part, version, where from. */
function parts(stdout: string): Record<string, string> {
  return Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/\s{2,}|(?<=\S)\s+(?=\d+\.\d+\.\d)/).slice(0, 3))
      .map(([name = "", version = "", source = ""]) => [name, `${version} ${source.replace(/ \(.*/, "")}`]),
  );
}

describe("toolchain", () => {
  let machine: FakeMachine;
  beforeEach(() => {
    machine = new FakeMachine();
  });
  afterEach(() => machine.remove());

  const environment = async (env: Record<string, string> = {}) =>
    JSON.parse((await machine.run(["env", "--json"], env)).stdout) as Record<string, string>;
  const installed = async (env: Record<string, string> = {}) =>
    readdirSync(path.join(String((await environment(env)).PULUMI_HOME), "plugins")).sort();

  test("where nothing official is to be had, everything is made once and then skipped", async () => {
    const first = await machine.run(["build"]);
    expect(first.stderr).toContain("asking for the official plugins");
    expect([first.code, parts(first.stdout)]).toEqual([
      0,
      {
        pulumi: "3.259.0 built here",
        "pulumi-language-nodejs": "3.68.0 built here",
        hcloud: "1.41.0 built here",
        cloudflare: "6.22.1 stand-in",
        command: "1.2.1 stand-in",
      },
    ]);
    expect(machine.builds()).toEqual(everything);
    const env = await environment();
    const bin = String(env.PATH).split(":")[0] ?? "";
    expect(readdirSync(bin).sort()).toEqual([
      "language-nodejs",
      "pulumi",
      "pulumi-language-nodejs",
      "pulumi-resource-pulumi-nodejs",
    ]);
    expect(readFileSync(path.join(bin, "pulumi-language-nodejs"), "utf8")).toMatch(
      /language-nodejs" -typescript=false \$\{args:\+"-nodeargs=\$args"\} "\$@"\n$/,
    );
    expect(statSync(path.join(bin, "pulumi-resource-pulumi-nodejs")).mode & 0o777).toBe(0o755);
    expect(await installed()).toEqual([
      "resource-cloudflare-v6.22.1",
      "resource-command-v1.2.1",
      "resource-hcloud-v1.41.0",
    ]);
    expect(env).toMatchObject({
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    });

    // The stand-ins need neither the checkout nor its node_modules.
    for (const name of ["cloudflare", "command"]) {
      const folder = path.join(String(env.PULUMI_HOME), "plugins", `resource-${name}-v${pins.plugins[name]?.version}`);
      expect(readdirSync(folder).sort()).toEqual(["part.json", "plugin.js", `pulumi-resource-${name}`]);
      expect(readFileSync(path.join(folder, "plugin.js"), "utf8")).not.toContain(`require("${root}`);
    }

    const calls = machine.calls().length;
    const started = Date.now();
    expect((await machine.run(["build"])).stdout).toBe(first.stdout);
    expect(Date.now() - started).toBeLessThan(2500);
    expect(machine.calls().length).toBe(calls);
    // From inside such an environment it is the same: our own CLI on PATH is no official one.
    expect((await machine.run(["status"], env)).stdout).toBe(first.stdout);
  }, 60_000);

  test("a pulumi on PATH always wins; only the plugins that it cannot get are made", async () => {
    machine.installOfficialCli();
    const { stdout, code } = await machine.run(["build"], { FAKE_OFFICIAL: "cloudflare command" });
    expect([code, parts(stdout)]).toEqual([
      0,
      {
        pulumi: "9.9.9 official",
        hcloud: "1.41.0 built here",
        cloudflare: "6.22.1 official",
        command: "1.2.1 official",
      },
    ]);
    expect(machine.builds()).toEqual(["pulumi-tfgen-hcloud", "pulumi-resource-hcloud"]);
    expect(await environment()).not.toHaveProperty("PATH");
    expect((await installed()).length).toBe(3);
  }, 60_000);

  test("an installed official plugin of the pinned version is taken, another version is not", async () => {
    machine.installOfficialPlugin("hcloud", String(pins.plugins.hcloud?.version));
    machine.installOfficialPlugin("command", "1.2.0");
    const { stdout } = await machine.run(["build"]);
    expect(parts(stdout)).toMatchObject({ hcloud: "1.41.0 official", command: "1.2.1 stand-in" });
    expect(machine.builds()).toEqual(["pulumi", "pulumi-language-nodejs"]);
    expect(
      machine.calls().filter((call) => call.includes("install resource hcloud") && !call.includes("--file")),
    ).toEqual([]);
  }, 60_000);

  test("a plugin host that says nothing is given up, and asked again only when that is wanted", async () => {
    const silent = { ...quick, FAKE_SILENT: "hcloud", INTRANET_PLUGIN_TIMEOUT: "1" };
    expect((await machine.run(["build"], silent)).stdout).toContain("sent nothing for 1 s");
    const official = { FAKE_OFFICIAL: "hcloud cloudflare command" };
    expect(parts((await machine.run(["build"], official)).stdout)).toMatchObject({ hcloud: "1.41.0 built here" });
    expect(parts((await machine.run(["build", "--recheck"], official)).stdout)).toMatchObject({
      hcloud: "1.41.0 official",
    });
  }, 60_000);

  test("an interruption leaves nothing half-made and no process; the next run goes on with what is missing", async () => {
    const cut = await machine.run(["build"], { FAKE_SLOW: "30" }, { after: "building pulumi", signal: "SIGTERM" });
    expect(cut.code).toBe(143);
    expect(cut.stderr).toContain("run it again");
    expect(await machine.buildEnds()).toBe(true);
    expect((await machine.run(["env"])).code).toBe(69);
    const second = { after: "building pulumi-language-nodejs", signal: "SIGINT" } as const;
    const partial = await machine.run(["build"], { FAKE_SLOW: "1" }, second);
    expect(partial.code).toBe(130);
    const before = machine.builds().filter((name) => name === "pulumi").length;
    expect((await machine.run(["build"], quick)).code).toBe(0);
    expect(machine.builds().filter((name) => name === "pulumi").length).toBe(before);
    expect(machine.builds()).toEqual(expect.arrayContaining(everything));
  }, 60_000);

  test("two builds at once do the work once", async () => {
    const both = await Promise.all([
      machine.run(["build"], { ...quick, FAKE_SLOW: "0.3" }),
      machine.run(["build"], { ...quick, FAKE_SLOW: "0.3" }),
    ]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(machine.builds()).toEqual(everything);
  }, 60_000);

  test("--go-only leaves out what needs npm packages", async () => {
    expect((await machine.run(["build", "--go-only"], quick)).code).toBe(0);
    expect(machine.builds()).toEqual(everything);
    expect((await machine.run(["env"])).code).toBe(69);
    expect((await machine.run(["build"], quick)).code).toBe(0);
    expect(machine.builds()).toEqual(everything);
  }, 60_000);

  test("a program for hosts is built by itself, with its tags, and waits for no build of the engine", async () => {
    const engine = machine.run(
      ["build"],
      { ...quick, FAKE_SLOW: "2" },
      { after: "building pulumi", signal: "SIGCONT" },
    );
    const first = await machine.run(["program", "step-ca"]);
    const folder = first.stdout.trim();
    expect([first.code, existsSync(path.join(folder, "step-ca"))]).toEqual([0, true]);
    expect(machine.calls().filter((call) => call.includes("cmd/step-ca"))).toEqual([
      expect.stringMatching(/-tags nopkcs11 .*main\.Version=0\.30\.2/),
    ]);
    expect((await machine.run(["env"])).code).toBe(69); // the engine is still being built
    await engine;
    const calls = machine.calls().length;
    for (const args of [
      ["program", "step-ca"],
      ["program", "step-ca", "--where"],
    ])
      expect((await machine.run(args)).stdout).toBe(first.stdout);
    await machine.run(["prune"]);
    expect([machine.calls().length, existsSync(folder)]).toEqual([calls, true]);
  }, 60_000);

  test("a failed build shows the end of its log and is not taken for a part", async () => {
    const broken = await machine.run(["build"], { ...quick, FAKE_BROKEN: "1" });
    expect([broken.code, broken.stdout]).toEqual([1, ""]);
    expect(broken.stderr).toMatch(/building pulumi .* failed \(1\).*pulumi\.log:\nundefined: everything/s);
    expect((await machine.run(["build"], quick)).code).toBe(0);
  }, 60_000);

  test("a Go that is too old and cannot fetch a newer one is said so, with the way out", async () => {
    const old = await machine.run(["build"], { FAKE_GO_VERSION: "1.19.8" });
    expect(old.code).toBe(69);
    expect(old.stderr).toContain("Go 1.19.8 could not fetch a newer one");
    expect(old.stderr).toContain("Install Pulumi with its own installer");
  });

  test("prune removes what no present source uses", async () => {
    await machine.run(["build"], quick);
    const { PULUMI_HOME } = await environment();
    machine.installOfficialPlugin("hcloud", String(pins.plugins.hcloud?.version));
    await machine.run(["build"], quick);
    expect(existsSync(String(PULUMI_HOME))).toBe(true);
    await machine.run(["prune"]);
    expect(existsSync(String(PULUMI_HOME))).toBe(false);
    expect((await machine.run(["env"])).code).toBe(0);
  }, 60_000);

  test("usage", async () => {
    expect((await machine.run(["--help"])).stdout).toContain("usage: toolchain build");
    expect((await machine.run(["make"])).code).toBe(64);
    expect((await machine.run(["program", "step"])).stderr).toContain("takes one of: step-ca, versitygw");
    expect((await machine.run(["build", "--fast"])).code).toBe(64);
    expect((await machine.run(["build", "hcloud"])).stderr).toContain('takes no argument "hcloud"');
    expect((await machine.run(["env"])).stderr).toContain("run `toolchain/bin/toolchain build`");
  });
});

describe("the pins", () => {
  const installedVersion = (name: string) =>
    (JSON.parse(readFileSync(path.join(root, "node_modules", name, "package.json"), "utf8")) as { version: string })
      .version;

  test.each(["hcloud", "cloudflare", "command"])("the %s plugin has the version that its SDK asks for", (name) => {
    expect(pins.plugins[name]?.version).toBe(installedVersion(`@pulumi/${name}`));
  });

  test("the engine has the version of the SDK, and its modules name the pinned versions", () => {
    expect(pins.engine.pulumi?.version).toBe(installedVersion("@pulumi/pulumi"));
    expect(readFileSync(path.join(root, "toolchain/go/pulumi/go.mod"), "utf8")).toContain(
      "github.com/pulumi/pulumi/pkg/v3 v3.259.0\n",
    );
    expect(readFileSync(path.join(root, "toolchain/go/language-nodejs/go.mod"), "utf8")).toContain(
      "github.com/pulumi/pulumi/sdk/v3 v3.68.0\n",
    );
    expect(readFileSync(path.join(root, "toolchain/go/step-ca/go.mod"), "utf8")).toContain(
      `github.com/smallstep/certificates v${pins.programs["step-ca"]?.version}\n`,
    );
  });
});
