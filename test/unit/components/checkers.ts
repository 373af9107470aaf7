/**
 * The programs' own checkers, run on rendered files. A missing program skips its checks loudly; in CI it fails them.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CheckArgs } from "../../../host";

/** What a checker said. */
export interface Verdict {
  readonly code: number;
  readonly output: string;
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Verdict {
  const result = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, ...env }, timeout: 60_000 });
  if (result.error) throw result.error;
  return { code: result.status ?? -1, output: `${result.stdout}${result.stderr}` };
}

function isInstalled(program: string): boolean {
  return (
    spawnSync("sh", ["-c", 'command -v "$1"', "sh", program], {
      env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
    }).status === 0
  );
}

/**
 * A test that needs a program and root: skipped loudly where it is missing, failed in CI. `timeoutMs`: as of jest's
 * `test`.
 */
export function testWith(program: string, title: string, body: () => void | Promise<void>, timeoutMs?: number): void {
  const missing = !isInstalled(program)
    ? `${program} is not installed`
    : process.getuid?.() !== 0
      ? "not root"
      : undefined;
  const checked = async (): Promise<void> => {
    await body();
  };
  if (missing === undefined) test(title, checked, timeoutMs);
  else if (process.env["CI"] === "true")
    test(title, () => {
      throw new Error(`${missing}: in CI this check must run`);
    });
  else {
    process.stderr.write(`SKIPPED, ${missing}: ${title}\n`);
    test.skip(title, checked);
  }
}

/** Runs `body` with a folder of its own that is deleted afterwards; `files` are written into it. */
export function withFiles<T>(files: Readonly<Record<string, string>>, body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "intranet-check-"));
  try {
    chmodSync(folder, 0o755);
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content, { mode: name.endsWith(".conf") ? 0o600 : 0o644 });
    }
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `nft -c`, in a network namespace of its own: it looks at the kernel's tables, which are not to be the machine's. */
export function checkNft(rules: string): Verdict {
  return withFiles({ "rules.nft": rules }, (folder) =>
    run("unshare", ["--net", "nft", "-c", "-f", join(folder, "rules.nft")]),
  );
}

/**
 * `wg-quick strip`, whose output `wg setconf` then reads, with placeholders filled by keys of the right form. In an
 * empty network namespace there is no interface to set: `wg` says so only after it has read everything.
 */
export function checkWgQuick(config: string): Verdict {
  const key = Buffer.alloc(32, 1).toString("base64");
  const filled = config.replace(/\{\{endpoint\}\}/g, "198.51.100.1").replace(/\{\{\w+\}\}/g, key);
  return withFiles({ "wg-check.conf": filled }, (folder) => {
    const stripped = run("wg-quick", ["strip", join(folder, "wg-check.conf")]);
    if (stripped.code !== 0) return stripped;
    writeFileSync(join(folder, "stripped"), stripped.output);
    const read = run("unshare", ["--net", "wg", "setconf", "wg-check", join(folder, "stripped")]);
    return {
      code: read.output.startsWith("Unable to modify interface") ? 0 : 1,
      output: `${stripped.output}${read.output}`,
    };
  });
}

/** `sh -n`. */
export function checkShell(script: string): Verdict {
  return withFiles({ script }, (folder) => run("sh", ["-n", join(folder, "script")]));
}

/** `nginx -t`, in a network namespace of its own, with a certificate made for the test. */
export function checkNginx(render: (paths: { certificateFolder: string; page: string }) => string): Verdict {
  return withFiles({ "denied.html": "page" }, (folder) => {
    const request = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-subj",
      "/CN=test",
    ];
    run("openssl", [...request, "-keyout", join(folder, "key.pem"), "-out", join(folder, "certificate.pem")]);
    writeFileSync(join(folder, "nginx.conf"), render({ certificateFolder: folder, page: join(folder, "denied.html") }));
    return run("unshare", ["--net", "nginx", "-t", "-c", join(folder, "nginx.conf")]);
  });
}

/** `caddy validate`. */
export function checkCaddy(caddyfile: string): Verdict {
  return withFiles({ Caddyfile: caddyfile }, (folder) =>
    run("caddy", ["validate", "--adapter", "caddyfile", "--config", join(folder, "Caddyfile")], { HOME: folder }),
  );
}

/** `bird -p`, with placeholders filled by secrets of the right form. */
export function checkBird(config: string): Verdict {
  const filled = config
    .replaceAll("{{public_network}}", "2001:db8:100:1::/64")
    .replaceAll("{{sinkhole_prefix}}", "2001:db8:100:1::/80")
    .replace(/\{\{(address_of|public_source)_\w+\}\}/g, "2001:db8:100:1:2::5")
    .replace(/\{\{\w+\}\}/g, Buffer.alloc(32, 1).toString("base64"));
  return withFiles({ "bird.conf": filled }, (folder) => run("bird", ["-p", "-c", join(folder, "bird.conf")]));
}

/**
 * `systemd-analyze verify` of one unit among files that stand in for /etc/systemd/system; Debian's own units lie behind
 * them.
 */
export function checkUnit(unit: string, files: Readonly<Record<string, string>>): Verdict {
  return withFiles(files, (folder) =>
    run(
      "systemd-analyze",
      ["verify", "--man=no", "--recursive-errors=no", unit.includes("/") ? unit : join(folder, unit)],
      { SYSTEMD_UNIT_PATH: `${folder}:/lib/systemd/system:` },
    ),
  );
}

/** One of a role's own checks, run on files in the places where the host layer stages them. */
export function checkRoleCheck(check: CheckArgs, files: Readonly<Record<string, string>>): Verdict {
  return withFiles(files, (folder) => {
    const [program, ...words] = check.command.map((word) =>
      typeof word === "string" ? word : `${folder}${word.staged}`,
    );
    return run(program!, words);
  });
}

/** Runs a script in a network namespace of its own with an empty /run, and returns what it printed. */
export function inNamespace(script: string, files: Record<string, string>): string {
  return withFiles({ ...files, script }, (folder) => {
    const result = spawnSync(
      "unshare",
      [
        "--net",
        "--mount",
        "sh",
        "-euc",
        `mount -t tmpfs none /run; ip link set lo up; cd "$1"; . ./script`,
        "sh",
        folder,
      ],
      { encoding: "utf8" },
    );
    expect(result.stderr).toBe("");
    expect(result.status).toBe(0);
    return result.stdout;
  });
}
