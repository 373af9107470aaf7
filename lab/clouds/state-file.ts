import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** A JSON document on disk that a crash leaves either as it was or as it shall be, never in between. */
export class StateFile<T extends object> {
  /** The content; change it in place, then call save. */
  readonly data: T;

  /**
   * Reads the document, or starts with `initial` when the file does not exist.
   * @param path file name; its folder is made on the first save
   * @param initial content of a new document
   * @throws Error when the file exists and is no JSON: it is left alone, for it may hold somebody's work
   */
  constructor(
    readonly path: string,
    initial: () => T,
  ) {
    this.data = this.read() ?? initial();
  }

  /** Writes the document: a temporary file, fsync, rename, fsync of the folder (rename(2), fsync(2)). */
  save(): void {
    const directory = dirname(this.path);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const temporary = `${this.path}.new`;
    const file = openSync(temporary, "w", 0o600);
    try {
      writeFileSync(file, JSON.stringify(this.data, undefined, 1));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, this.path);
    const folder = openSync(directory, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  private read(): T | undefined {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new Error(`${this.path} is not valid JSON (${(error as Error).message}); repair it or move it away`, {
        cause: error,
      });
    }
  }
}
