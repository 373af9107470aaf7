// The bridged hcloud plugin against the SDK that programs use: same tokens, same inputs.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.resolve(__dirname, "../../..");
const sdk = path.join(root, "node_modules/@pulumi/hcloud");

interface Schema {
  version?: string;
  resources: Record<string, { inputProperties?: Record<string, unknown> }>;
  functions: Record<string, unknown>;
}

describe("the hcloud plugin", () => {
  const sources = readdirSync(sdk)
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(path.join(sdk, name), "utf8"));
  let schema: Schema;

  beforeAll(() => {
    const toolchain = execFileSync(path.join(root, "toolchain/bin/toolchain"), ["env", "--json"], { encoding: "utf8" });
    const env = { ...process.env, ...(JSON.parse(toolchain) as Record<string, string>) };
    const printed = execFileSync("pulumi", ["package", "get-schema", "hcloud@1.41.0"], {
      env,
      cwd: tmpdir(),
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    schema = JSON.parse(printed) as Schema;
  }, 60_000);

  test("has every function of the SDK", () => {
    const wanted = sources.flatMap((text) => /runtime\.invoke\("(hcloud:[^"]+)"/.exec(text)?.[1] ?? []);
    expect(wanted.length).toBeGreaterThan(30);
    expect(wanted.filter((token) => !(token in schema.functions))).toEqual([]);
  });

  test("has every resource of the SDK with every input that the SDK sends", () => {
    const missing: string[] = [];
    let seen = 0;
    for (const text of sources) {
      const token = /__pulumiType = '(hcloud:index\/[^']+)'/.exec(text)?.[1];
      if (!token) continue;
      seen++;
      const known = schema.resources[token]?.inputProperties ?? {};
      const sent = [...text.matchAll(/resourceInputs\["(\w+)"\] = \(?args/g)].map((match) => String(match[1]));
      missing.push(...sent.filter((input) => !(input in known)).map((input) => `${token} ${input}`));
    }
    expect(seen).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });
});
