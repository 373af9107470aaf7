import { createHash } from "node:crypto";
import type { FileInputs } from "./inputs";

/** Content as it goes to the host: each `{{name}}` that has a value is filled in, once; other braces stay. */
export function fill(file: FileInputs): string {
  const values = { ...file.values, ...file.secrets };
  return file.content.replace(/\{\{([A-Za-z0-9_]+)\}\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? values[name]! : whole,
  );
}

/** Whether a file has secrets, so that its live content may not be shown. */
export function isSecret(file: Pick<FileInputs, "secrets">): boolean {
  return Object.keys(file.secrets ?? {}).length > 0;
}

/** Digest of a content that says whether it is another one, and nothing else: salted with the path. */
export function digestOf(path: string, content: string): string {
  return createHash("sha256").update(`intranet ${path}\0${content}`).digest("hex").slice(0, 12);
}

/** Digest of a file as it goes to the host. */
export function digestOfFile(file: FileInputs): string {
  return createHash("sha256").update(fill(file), "utf8").digest("hex");
}

/** Mode of a file: what is said, else closed when it has secrets. */
export function fileMode(file: { mode?: string; secrets?: Record<string, string> }): string {
  return file.mode ?? (isSecret(file) ? "0600" : "0644");
}
