// A machine for the build driver: a `go` and a `pulumi` that only pretend, in a folder of their own, and a cache beside
// it.
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const toolchain = path.resolve(__dirname, "../../../toolchain/bin/toolchain");

/**
 * Stands for the Pulumi CLI: knows `version` and `plugin install`. Downloads only what $FAKE_OFFICIAL names, hangs at
 * $FAKE_SILENT.
 */
const fakePulumi = `#!/usr/bin/env bash
echo "pulumi $*" >> "$FAKE_CALLS"
if [[ $1 == version ]]; then echo v9.9.9; exit; fi
[[ $1 == schema ]] && exit
into=$PULUMI_HOME/plugins/resource-$4-v$5
for ((i = 1; i <= $#; i++)); do [[ \${!i} == --file ]] && { j=$((i + 1)); from=\${!j}; }; done
if [[ -n \${from:-} ]]; then mkdir -p "$into" && cp -r "$from/." "$into/"; exit; fi
[[ "\${FAKE_SILENT:-}" == "$4" ]] && exec sleep 60
[[ " $FAKE_OFFICIAL " == *" $4 "* ]] && { mkdir -p "$into"; echo official > "$into/pulumi-resource-$4"; exit; }
echo "warning: Error downloading plugin: dial tcp: no such host" >&2
exit 1
`;

/** Stands for Go: "builds" the fake CLI, lists a module folder with the shim. */
const fakeGo = `#!/usr/bin/env bash
[[ $1 == version ]] && { echo "go version go\${FAKE_GO_VERSION:-1.99.0} linux/amd64"; exit; }
echo "go $*" >> "$FAKE_CALLS"
[[ $1 == list ]] && { echo "$FAKE_SDK"; exit; }
[[ $1 == build ]] || exit 1
[[ -n \${FAKE_SLOW:-} ]] && { echo $$ > "$FAKE_CALLS.pid"; sleep "$FAKE_SLOW"; }
[[ -n \${FAKE_BROKEN:-} ]] && { echo "undefined: everything" >&2; exit 1; }
for ((i = 1; i <= $#; i++)); do [[ \${!i} == -o ]] && { j=$((i + 1)); out=\${!j}; }; done
cp "$FAKE_PULUMI" "$out" && chmod 755 "$out"
`;

const tools = [
  "bash",
  "sh",
  "env",
  "node",
  "flock",
  "nice",
  "cat",
  "chmod",
  "cp",
  "dirname",
  "mkdir",
  "readlink",
  "sleep",
];

/** Where a program of this machine lies. */
function find(tool: string): string {
  if (tool === "node") return process.execPath;
  const folder = String(process.env.PATH)
    .split(":")
    .find((entry) => existsSync(path.join(entry, tool)));
  if (folder === undefined) throw new Error(`these tests need the program ${tool}`);
  return path.join(folder, tool);
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class FakeMachine {
  readonly root = realpathSync(mkdtempSync(path.join(tmpdir(), "toolchain-")));
  readonly cache = path.join(this.root, "cache");
  readonly userHome = path.join(this.root, "pulumi-home");
  private readonly env: NodeJS.ProcessEnv;

  constructor() {
    const sdk = path.join(this.root, "sdk");
    mkdirSync(path.join(sdk, "nodejs/dist"), { recursive: true });
    writeFileSync(path.join(sdk, "nodejs/dist/pulumi-resource-pulumi-nodejs"), "#!/bin/sh\n", { mode: 0o444 });
    this.program("fake-pulumi", fakePulumi);
    // Only what the driver and the fakes need: no Pulumi and no Go that the machine may have.
    const PATH = path.join(this.root, "bin");
    mkdirSync(PATH);
    for (const tool of tools) symlinkSync(find(tool), path.join(PATH, tool));
    this.env = {
      PATH,
      HOME: this.root,
      INTRANET_CACHE: this.cache,
      INTRANET_GO: this.program("fake-go", fakeGo),
      PULUMI_HOME: this.userHome,
      FAKE_CALLS: path.join(this.root, "calls"),
      FAKE_PULUMI: path.join(this.root, "fake-pulumi"),
      FAKE_SDK: sdk,
      FAKE_OFFICIAL: "",
    };
  }

  private program(name: string, text: string): string {
    const file = path.join(this.root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return file;
  }

  /** Puts an official `pulumi` on PATH. */
  installOfficialCli(): void {
    this.program("bin/pulumi", fakePulumi);
  }

  /** Installs an official plugin into the user's own Pulumi home. */
  installOfficialPlugin(name: string, version: string): void {
    this.program(
      path.join("pulumi-home/plugins", `resource-${name}-v${version}`, `pulumi-resource-${name}`),
      "official\n",
    );
  }

  /** Starts the toolchain; `signal` reaches it a moment after it says `after` on stderr. */
  run(
    args: string[],
    env: Record<string, string> = {},
    interrupt?: { after: string; signal: NodeJS.Signals },
  ): Promise<Ended> {
    return new Promise((resolve) => {
      const child = spawn(toolchain, args, { env: { ...this.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
      child.stderr.on("data", (text: Buffer) => {
        stderr += text.toString();
        if (interrupt && stderr.includes(interrupt.after)) setTimeout(() => child.kill(interrupt.signal), 300);
      });
      child.on("close", (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** What the fakes were asked for so far, one call a line. */
  calls(): string[] {
    const file = path.join(this.root, "calls");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  /** Waits until the last slow build is no more (a zombie is none); false when it outlives two seconds. */
  async buildEnds(): Promise<boolean> {
    const pid = readFileSync(path.join(this.root, "calls.pid"), "utf8").trim();
    for (const end = Date.now() + 2000; Date.now() < end; await sleep(20)) {
      const status = `/proc/${pid}/status`;
      if (!existsSync(status) || /^State:\s+Z/m.test(readFileSync(status, "utf8"))) return true;
    }
    return false;
  }

  /** The calls of `go build`, by the program that was built. */
  builds(): string[] {
    return this.calls().flatMap((call) => /^go build .* -o \S*\/(\S+) /.exec(call)?.[1] ?? []);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
