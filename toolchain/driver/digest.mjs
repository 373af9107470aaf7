// Content addresses: the same sources and versions give the same folder in the cache.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** What the generator of the hcloud plugin writes beside its sources while it is built elsewhere: never part of a digest. */
const generated = new Set(["schema.json", "bridge-metadata.json"]);

/**
 * Every regular file below a folder, relative and sorted, without node_modules and generated files.
 * @param {string} folder
 * @param {string} [below]
 * @returns {string[]}
 */
export function sourceFiles(folder, below = "") {
  return readdirSync(path.join(folder, below), { withFileTypes: true })
    .flatMap((entry) => {
      const relative = path.join(below, entry.name);
      if (entry.isDirectory()) return entry.name === "node_modules" ? [] : sourceFiles(folder, relative);
      return generated.has(entry.name) ? [] : [relative];
    })
    .sort();
}

/**
 * A short digest over values and the files of folders.
 * @param {unknown[]} values anything JSON can hold: versions, flags
 * @param {string[]} [folders] folders whose files count, by relative name and content
 * @returns {string} 16 hexadecimal digits
 */
export function digest(values, folders = []) {
  const hash = createHash("sha256").update(JSON.stringify(values));
  for (const folder of folders) {
    for (const file of sourceFiles(folder)) {
      const content = readFileSync(path.join(folder, file));
      hash.update(`\0${file}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest("hex").slice(0, 16);
}
