/** Programs of the lab that run beside the hosts: clouds, packages, agent. One that ends is started again. */
import type { ChildProcess } from "node:child_process";
import { sleep, start } from "../process";
import type { SpawnIn } from "../machines";
import { inNamespace } from "./net";

/** Starts a program in a namespace of the lab. */
export const spawnIn: SpawnIn = (namespace, argv, log) => start(inNamespace(namespace, argv), log);

/** Ends a program: SIGTERM, and SIGKILL after `graceMs`. */
export async function end(child: ChildProcess, graceMs = 3000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const over = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  await Promise.race([over, sleep(graceMs)]);
  child.kill("SIGKILL");
  await over;
}

/** A program that is kept running. */
export class Program {
  private child: ChildProcess | undefined;
  private wanted = false;
  private failures = 0;

  constructor(
    /** Name in `status`. */
    readonly name: string,
    private readonly launch: () => ChildProcess,
  ) {}

  /** Whether it runs now. */
  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts it, and starts it again whenever it ends by itself: at once, then after longer and longer, at most 5 s. */
  start(): void {
    this.wanted = true;
    if (this.running) return;
    const child = this.launch();
    const since = Date.now();
    this.child = child;
    const again = (): void => {
      if (!this.wanted || this.child !== child) return;
      this.failures = Date.now() - since > 10_000 ? 0 : this.failures + 1;
      setTimeout(() => this.wanted && this.child === child && this.start(), Math.min(this.failures * 500, 5000));
    };
    child.once("exit", again);
    child.once("error", again);
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.wanted = false;
    if (this.child) await end(this.child);
    this.child = undefined;
  }
}
