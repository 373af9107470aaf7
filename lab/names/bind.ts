import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Program } from "../fabric/programs";
import type { NamesOptions } from "../machines";
import { CommandError, run, sleep } from "../process";
import { controlKey, signedFile, type ServerLayout } from "./config";
import { writeKeyFiles, zoneKey } from "./keys";

const NAMED = "/usr/sbin/named";
const RNDC = "/usr/sbin/rndc";
/**
 * How long a server may take until it answers on its control channel, and a zone until it is loaded, in milliseconds.
 */
const PATIENCE = 15_000;

/** One running `named`, started again whenever it ends. */
export class NameServer {
  private readonly program: Program;
  private readonly log: string;
  private commands = 0;

  constructor(
    private readonly options: NamesOptions,
    private readonly layout: ServerLayout,
  ) {
    this.log = join(options.logs, `${layout.name}.log`);
    const argv = [join(layout.directory, "named"), "-g", "-n", "1", "-c", this.configFile];
    this.program = new Program(layout.name, () => options.spawn(options.namespace, argv, this.log));
  }

  /** Starts it with that configuration and waits until it answers. */
  async start(config: string): Promise<void> {
    this.writeConfig(config);
    // AppArmor's profile for named goes by its path and forbids it any folder of ours: so a copy is run.
    copyFileSync(NAMED, join(this.layout.directory, "named"));
    this.program.start();
    const deadline = Date.now() + PATIENCE;
    while (!(await this.control(["status"])).ok) {
      if (Date.now() > deadline)
        throw new Error(`the ${this.layout.name} name server does not answer; see ${this.log}`);
      await sleep(50);
    }
  }

  /** Ends it for good. */
  stop(): Promise<void> {
    return this.program.stop();
  }

  /** Replaces the configuration; it counts from the next `reconfig` on. */
  writeConfig(config: string): void {
    writeFileSync(this.configFile, config, { mode: 0o600 });
  }

  /**
   * Runs a command of rndc(8).
   * @throws Error with what it said
   */
  async command(...argv: string[]): Promise<string> {
    const { ok, output } = await this.control(argv);
    if (!ok) throw new Error(`rndc ${argv.join(" ")}: ${output.trim()}`);
    return output;
  }

  /** Waits until the zone is served with that serial. */
  async served(zone: string, serial: number): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const { ok, output } = await this.control(["zonestatus", `${zone}.`]);
      if (ok && output.includes(`serial: ${serial}\n`)) return;
      if (Date.now() > deadline) throw new Error(`zone ${zone}. was not loaded; see ${this.log}`);
      await sleep(20);
    }
  }

  private get configFile(): string {
    return join(this.layout.directory, "named.conf");
  }

  /** The namespace's programs write to a file, so what rndc says is read from one of its own. */
  private async control(argv: string[]): Promise<{ ok: boolean; output: string }> {
    const output = join(this.layout.directory, `rndc-${this.commands++}.out`);
    const base = [
      RNDC,
      "-k",
      join(this.options.directory, "rndc.key"),
      "-s",
      "127.0.0.1",
      "-p",
      String(this.layout.controlPort),
    ];
    const child = this.options.spawn(this.options.namespace, [...base, ...argv], output);
    const code = await new Promise<number>((resolve) => {
      child.once("error", () => resolve(127));
      child.once("exit", (status) => resolve(status ?? 1));
    });
    const text = existsSync(output) ? readFileSync(output, "utf8") : "";
    rmSync(output, { force: true });
    return { ok: code === 0, output: text };
  }
}

/**
 * The secret of the control channels, made once and kept in `rndc.key`.
 * @throws Error when BIND is not installed, with the packages to install
 */
export function controlSecret(directory: string): string {
  const missing = [NAMED, RNDC].filter((file) => !existsSync(file));
  if (missing.length > 0) throw new Error(`${missing.join(", ")} not found: apt-get install bind9 bind9-utils`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, "rndc.key");
  const kept = existsSync(file) ? /secret "([^"]+)"/.exec(readFileSync(file, "utf8"))?.[1] : undefined;
  const secret = kept ?? randomBytes(32).toString("base64");
  if (kept === undefined) writeFileSync(file, controlKey(secret), { mode: 0o600 });
  return secret;
}

/**
 * Signs a zone with its key (dnssec-signzone(1), signatures for 30 days) and puts it where the server reads it;
 * `change` may alter the signed file first.
 * @throws Error with what the signer refuses, for example a CNAME beside other data; what is served stays
 */
export async function signZone(
  directory: string,
  zone: string,
  text: string,
  change: (signed: string) => string,
): Promise<void> {
  const keys = join(directory, "keys");
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  const target = signedFile(directory, zone);
  const [source, fresh] = [`${target}.source`, `${target}.new`];
  writeFileSync(source, text);
  const key = writeKeyFiles(zoneKey(zone), keys);
  const signer = ["dnssec-signzone", "-q", "-z", "-o", `${zone}.`, "-f", fresh, "-e", "now+2592000"];
  try {
    await run([...signer, source, key], { cwd: directory });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new Error(`zone ${zone}. is refused: ${error.output.replaceAll(`${source}:`, "line ")}`, { cause: error });
  }
  const signed = readFileSync(fresh, "utf8");
  const changed = change(signed);
  if (changed !== signed) writeFileSync(fresh, changed);
  renameSync(fresh, target);
}
