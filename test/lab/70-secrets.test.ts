/** No secret in state in clear, logs, errors, process lists, previews: everything that was written is searched. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { changedConfig, ensureUp, pulumi, pulumiOk, ROOT } from "./intranet";
import { exec, lab, run } from "./support";

/** Every secret of the stack: the values that `--show-secrets` gives and the plain export has not. */
async function secrets(): Promise<string[]> {
  const found = new Set<string>();
  const walk = (value: unknown, secret: boolean): void => {
    if (typeof value === "string") {
      if (!secret) return;
      try {
        const inner = JSON.parse(value);
        if (typeof inner === "string") return walk(inner, true);
        if (typeof inner === "object" && inner !== null) return walk(inner, true);
      } catch {
        /* not JSON: the secret itself */
      }
      // WireGuard's keys, and of an OpenSSH key the lines after the first, which every Ed25519 key shares.
      for (const [match] of value.matchAll(/[A-Za-z0-9+/]{43}=/g)) found.add(match);
      for (const [, body] of value.matchAll(/-----BEGIN OPENSSH PRIVATE KEY-----\s+\S+\s+(\S{60,})/g)) found.add(body!);
    } else if (Array.isArray(value)) value.forEach((v) => walk(v, secret));
    else if (value !== null && typeof value === "object") {
      const record = value as Record<string, unknown>;
      const isSecret = record["4dabf18193072939515e22adb298388d"] === "1b47061264138c4ac30d75fd1eb44270";
      if (isSecret) walk(record["plaintext"] ?? record["value"], true);
      else Object.values(record).forEach((v) => walk(v, secret));
    }
  };
  walk(JSON.parse(await pulumiOk(["stack", "export", "--show-secrets"])), false);
  // Private keys only: a public key has the same shape, and may be read by anyone.
  const publics = new Set<string>();
  for (const host of ["vps", "home"]) {
    for (const line of (await exec(host, ["wg", "show", "all", "dump"])).stdout.split("\n")) {
      const [, a, b] = line.split("\t");
      if (a && line.split("\t").length === 5) publics.add(b ?? "");
      else if (a) publics.add(a);
    }
  }
  return [...found].filter((s) => s.length >= 40 && !publics.has(s));
}

test("no secret is written anywhere", async () => {
  await ensureUp();
  const all = await secrets();
  // Two ends of a link, the hub, the laptop, and the server's host key at least.
  expect(all.length).toBeGreaterThanOrEqual(5);

  const texts: Record<string, string> = {};
  texts["state"] = await pulumiOk(["stack", "export"]);
  texts["outputs"] = await pulumiOk(["stack", "output", "--json"]);
  const change = changedConfig((network) => {
    network.devices.tablet = {};
  });
  const preview = await pulumi(["preview", "--diff", ...change]);
  texts["preview"] = preview.stdout + preview.stderr;

  // An update that rewrites files with keys, with logs at level 1, while the process lists of both hosts and of the operator are
  // sampled. From level 3 on, and with --debug, Pulumi's own SDK logs the answers it gets, outputs in clear, whatever the program does.
  let going = true;
  let processes = "";
  const sampling = (async () => {
    while (going) {
      for (const host of ["vps", "home"]) processes += (await exec(host, ["ps", "-eww", "-o", "args"])).stdout;
      processes += (await run(["ps", "-eww", "-o", "args"])).stdout;
    }
  })();
  const log = fs.mkdtempSync(path.join(os.tmpdir(), "intranet-log-"));
  const update = await pulumi(
    ["up", "--yes", "--skip-preview", "--logtostderr", "--logflow", "-v=1", "--diff", ...change],
    { timeoutSeconds: 400, env: { TMPDIR: log } },
  );
  going = false;
  await sampling;
  expect(update.code).toBe(0);
  texts["logs of up"] = update.stdout + update.stderr;
  texts["process lists"] = processes;
  const back = await pulumi(["up", "--yes", "--skip-preview"], { timeoutSeconds: 400 });
  expect(back.code).toBe(0);

  for (const host of ["vps", "home"]) {
    texts[`journal of ${host}`] = (await exec(host, ["journalctl", "--no-pager", "-o", "cat"])).stdout;
    texts[`shell history of ${host}`] = (
      await exec(host, ["sh", "-c", "cat /root/.*_history 2>/dev/null; true"])
    ).stdout;
    texts[`cloud-init log of ${host}`] = (
      await exec(host, ["sh", "-c", "cat /var/log/cloud-init*.log 2>/dev/null; true"])
    ).stdout;
  }
  for (const name of ["vps", "home"]) texts[`console of ${name}`] = (await lab(["logs", name])).stdout;
  for (const [where, text] of Object.entries(texts)) {
    const leaked = all.filter((secret) => text.includes(secret));
    expect({ where, leaked: leaked.map((s) => `${s.slice(0, 4)}…`) }).toEqual({ where, leaked: [] });
  }
  // The search itself works: the same texts with one secret shown are caught.
  const shown = await pulumiOk(["stack", "export", "--show-secrets"]);
  expect(all.every((secret) => shown.includes(secret) || shown.includes(JSON.stringify(secret).slice(1, -1)))).toBe(
    true,
  );
}, 900_000);

test("nothing of the committed tree holds a private key", async () => {
  const found = await run(["git", "-C", ROOT, "grep", "-lE", "BEGIN [A-Z ]*PRIVATE KEY-----$", "--", ":!test"]);
  expect(found.stdout.trim()).toBe("");
});
