/** Slow lines: a delay and a loss on the link of one host, both ways. */
import type { ChildProcess } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import * as path from "node:path";
import { labFile } from "../paths";
import { until } from "../process";
import { end, spawnIn } from "./programs";

/** What a line does to its packets. */
export interface Slowness {
  /** Milliseconds by which a round trip takes longer; half of it in each direction. */
  delayMs: number;
  /** Share of the packets that are lost in each direction, 0 to 1. */
  loss: number;
}

/** One end of a line: an interface in a namespace. */
export interface LineEnd {
  namespace: string;
  device: string;
}

/** The lines that are slow. A power cut makes a host's line anew, and fast. */
export class SlowLines {
  private readonly running = new Map<string, ChildProcess[]>();

  constructor(private readonly logs: string) {}

  /**
   * Makes the line of a host slow; one that was is as slow as this afterwards. Done when it is. Throws when it cannot
   * be.
   */
  async slow(host: string, ends: readonly LineEnd[], { delayMs, loss }: Slowness): Promise<void> {
    await this.mend(host);
    const started = ends.map(({ namespace, device }, index) => {
      const ready = path.join("/run", `slow-${host}-${index}`);
      rmSync(ready, { force: true });
      const numbers = [String(delayMs / 2000), String(loss)];
      const argv = ["python3", labFile("files/slow.py"), device, ...numbers, ready];
      return { ready, child: spawnIn(namespace, argv, path.join(this.logs, "slow.log")) };
    });
    this.running.set(
      host,
      started.map(({ child }) => child),
    );
    await until(`the line of ${host} to be slow (see slow.log)`, 10_000, () =>
      started.every(({ ready }) => existsSync(ready)),
    );
  }

  /** Makes the line fast again. One that is fast stays so. */
  async mend(host: string): Promise<void> {
    const children = this.running.get(host) ?? [];
    this.running.delete(host);
    await Promise.all(children.map((child) => end(child)));
  }
}
