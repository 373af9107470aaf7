// What a command prints: kept for the outputs, shown line by line if the resource asks for it, and told in errors.
import type { Scope } from "../common/plugin";

/** The streams a resource wants in the engine's log; both when absent, as in the official plugin. */
export type Logging = "stdout" | "stderr" | "stdoutAndStderr" | "none";

/** How a command ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Lines of stderr that an error shows. */
const shownLines = 20;

/** Characters of a command that an error shows. */
const shownCommand = 120;

/** Collects one stream as bytes, so that a character split over two chunks stays whole. */
class Stream {
  private readonly chunks: Buffer[] = [];
  private pending = "";

  constructor(private readonly show: ((line: string) => void) | undefined) {}

  take(chunk: Buffer): void {
    this.chunks.push(chunk);
    if (!this.show) return;
    const lines = (this.pending + chunk.toString("utf8")).split("\n");
    this.pending = lines.pop() ?? "";
    lines.forEach(this.show);
  }

  /** Everything, without the last line break. */
  text(): string {
    if (this.pending !== "") this.show?.(this.pending);
    this.pending = "";
    return Buffer.concat(this.chunks)
      .toString("utf8")
      .replace(/\r?\n$/, "");
  }
}

/**
 * Both streams of one command. A stream that will be a secret output is never logged; every logged line is redacted.
 */
export class Output {
  readonly stdout: Stream;
  readonly stderr: Stream;

  constructor(logging: unknown, scope: Scope) {
    const wanted = typeof logging === "string" ? logging : "stdoutAndStderr";
    const shower = (name: "stdout" | "stderr") => {
      const on = (wanted === name || wanted === "stdoutAndStderr") && !scope.isSecret(name);
      return on ? (line: string) => void process.stderr.write(`${scope.redact(line)}\n`) : undefined;
    };
    this.stdout = new Stream(shower("stdout"));
    this.stderr = new Stream(shower("stderr"));
  }

  /** The outputs of the resource. */
  properties(): { stdout: string; stderr: string } {
    return { stdout: this.stdout.text(), stderr: this.stderr.text() };
  }

  /**
   * Throws when the command did not end with 0: which command, where, how it ended and the end of its stderr, all
   * redacted before anything is cut off. Standard input is never shown.
   */
  requireSuccess(ending: Ending, command: string, where: string, scope: Scope): void {
    if (ending.code === 0) return;
    const how = ending.signal
      ? `was ended by signal ${ending.signal}`
      : ending.code === null
        ? "did not end: the connection was lost"
        : `ended with exit code ${ending.code}`;
    const line = scope.redact(command).replace(/\s+/g, " ").trim();
    const short = line.length > shownCommand ? `${line.slice(0, shownCommand)}…` : line;
    const said = scope.isSecret("stderr")
      ? ""
      : scope.redact(this.stderr.text()).split("\n").slice(-shownLines).join("\n");
    throw new Error(
      `the command \`${short}\` on ${where} ${how}${said ? `:\n${said}` : " and said nothing on stderr"}`,
    );
  }
}
