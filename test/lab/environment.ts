/** What a file of the lab's tests runs in: a lab in the state that it begins with, and notes of where its time goes. */
import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import type { EnvironmentContext, JestEnvironmentConfig } from "@jest/environment";
import type { Circus } from "@jest/types";
import { TestEnvironment } from "jest-environment-node";
import { begin, end } from "./between";
import { secondsByKind, spend, type Spent } from "./spent";
import { LAB_NAME } from "./support";

/** Where a file's time went, in seconds, as bin/test-results.js shows it. */
export interface FileTimes {
  file: string;
  lab: string;
  seconds: ReturnType<typeof secondsByKind>;
}

export default class LabEnvironment extends TestEnvironment {
  private readonly file: string;
  private readonly began = Date.now();
  private failed = false;

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    super(config, context);
    this.file = path.basename(context.testPath);
  }

  override async setup(): Promise<void> {
    await super.setup();
    const holds = await spend("boot", () => begin(this.file));
    Object.assign(this.global, { intranetIsUp: holds === "intranet" });
  }

  handleTestEvent(event: Circus.Event): void {
    if (["hook_failure", "test_fn_failure", "error"].includes(event.name)) this.failed = true;
  }

  override async teardown(): Promise<void> {
    for (const what of await end(this.file, this.failed)) process.stderr.write(`${this.file} has left ${what}\n`);
    this.noteTimes();
    await super.teardown();
  }

  private noteTimes(): void {
    const run = process.env["LAB_RUN"];
    if (run === undefined) return;
    const [outside, inside] = [globalThis, this.global] as { labTimes?: Spent[] }[];
    const spent = [...(outside!.labTimes ?? []), ...(inside!.labTimes ?? [])];
    const seconds = secondsByKind(spent, this.began, Date.now());
    mkdirSync(path.join(run, "times"), { recursive: true });
    const times: FileTimes = { file: this.file, lab: LAB_NAME, seconds };
    writeFileSync(path.join(run, "times", `${this.file}.json`), JSON.stringify(times));
  }
}
