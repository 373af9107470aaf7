/**
 * Goldens: rendered files as they were looked at and approved. `UPDATE_GOLDENS=1` writes them anew, for reading before
 * a commit.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const FOLDER = join(__dirname, "../golden");

/** The path of a golden. */
export function goldenPath(name: string): string {
  return join(FOLDER, name);
}

/**
 * Compares a rendered file with its golden. A golden that does not exist fails the test unless goldens are being
 * written.
 */
export function expectGolden(name: string, rendered: string): void {
  const path = goldenPath(name);
  if (process.env["UPDATE_GOLDENS"] === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, rendered);
  }
  if (!existsSync(path)) throw new Error(`no golden ${name}: run with UPDATE_GOLDENS=1, read it, commit it`);
  expect(rendered).toBe(readFileSync(path, "utf8"));
}
