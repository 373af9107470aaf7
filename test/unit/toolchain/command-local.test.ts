import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Provider } from "@pulumi/pulumi/provider";
import { commandProvider } from "../../../toolchain/plugins/command/provider";
import { hasSecret, type Properties, secret } from "../../../toolchain/plugins/common/values";

const urn = "urn:pulumi:s::p::command:local:Command::c";

describe("the stand-in for command:local", () => {
  const provider = commandProvider("1.2.1") as Required<Provider>;
  let folder: string;
  let logged: jest.SpyInstance;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), "local-")));
    logged = jest.spyOn(process.stderr, "write").mockReturnValue(true);
  });
  afterEach(() => {
    logged.mockRestore();
    rmSync(folder, { recursive: true });
  });
  const outputs = async (inputs: Properties) => (await provider.create(urn, inputs)).outs as Properties;

  test("runs in its folder, with its interpreter, environment and stdin", async () => {
    expect(
      await outputs({ create: "pwd; echo $A; cat", dir: folder, environment: { A: "b" }, stdin: "in" }),
    ).toMatchObject({
      stdout: `${folder}\nb\nin`,
    });
    expect(
      await outputs({ create: "process.stdout.write(String(6*7))", interpreter: [process.execPath, "-e"] }),
    ).toMatchObject({ stdout: "42" });
  });

  test("delete gets what create printed, unless that is not wanted", async () => {
    const file = path.join(folder, "f");
    const inputs = { create: "echo made", delete: `printf '%s' "$PULUMI_COMMAND_STDOUT" > ${file}` };
    const { id, outs } = await provider.create(urn, inputs);
    await provider.delete(id, urn, outs);
    expect(readFileSync(file, "utf8")).toBe("made");
    await provider.delete(id, urn, { ...(outs as Properties), addPreviousOutputInEnv: false });
    expect(readFileSync(file, "utf8")).toBe("");
  });

  test("a failure names command, exit code and stderr, without secrets", async () => {
    const attempt = outputs({ create: "echo bad $K >&2; exit 9", environment: secret({ K: "the-secret-key" }) });
    const error = (await attempt.catch((reason: Error) => reason)) as Error;
    expect(error.message).toContain("on this machine ended with exit code 9");
    expect(error.message).not.toContain("the-secret-key");
    await expect(outputs({ create: "true", interpreter: ["/no/such/program"] })).rejects.toThrow(
      "/no/such/program cannot be started",
    );
  });

  test("what a secret went into is a secret", async () => {
    const outs = await outputs({ create: "echo $K", environment: secret({ K: "the-secret-key" }) });
    expect(hasSecret(outs.stdout)).toBe(true);
    expect(logged).not.toHaveBeenCalled();
  });

  test("a long output in small pieces keeps its characters", async () => {
    const outs = await outputs({ create: "for i in $(seq 2000); do printf 'äöü€%s\\n' $i; done", logging: "none" });
    expect(
      String(outs.stdout)
        .split("\n")
        .filter((line) => line.startsWith("äöü€")).length,
    ).toBe(2000);
    expect(logged).not.toHaveBeenCalled();
  });

  test("collecting files is refused with the way out", async () => {
    const { failures } = await provider.check(urn, {}, { create: "true", assetPaths: ["*"] });
    expect(failures).toEqual([{ property: "assetPaths", reason: expect.stringContaining("official command plugin") }]);
  });

  test("run returns what was printed and wants a command", async () => {
    const { outputs: printed } = await provider.invoke("command:local:run", { command: "echo hi" });
    expect(printed).toMatchObject({ command: "echo hi", stdout: "hi", stderr: "" });
    await expect(provider.invoke("command:local:run", {})).rejects.toThrow('"command" is required');
  });
});
