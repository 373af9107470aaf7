import type { RoleInputs } from "./inputs";

/** Shorter strings are everywhere; hiding them would make every message unreadable. */
const SHORTEST_HIDDEN = 4;

/** Every secret value of a role. */
export function secretValues(inputs: Partial<RoleInputs>): string[] {
  const files = typeof inputs.files === "object" && inputs.files !== null ? Object.values(inputs.files) : [];
  return files
    .flatMap((file) => (typeof file?.secrets === "object" && file.secrets !== null ? Object.values(file.secrets) : []))
    .filter((value) => typeof value === "string" && value !== "");
}

/** Takes secrets out of text: the one place that stands before errors and stderr. */
export class Redactor {
  private readonly parts: string[];

  /** `values` are hidden as a whole, line by line, and in the forms in which programs quote them. */
  constructor(values: readonly string[]) {
    const parts = new Set<string>();
    for (const value of values) {
      for (const part of [value, ...value.split(/\r?\n/)]) {
        const text = part.trim();
        if (text.length < SHORTEST_HIDDEN) continue;
        for (const form of [
          text,
          JSON.stringify(text).slice(1, -1),
          Buffer.from(text).toString("base64"),
          encodeURIComponent(text),
        ])
          parts.add(form);
      }
    }
    this.parts = [...parts].sort((a, b) => b.length - a.length);
  }

  /** The text with `[secret]` in place of each secret. */
  apply(text: string): string {
    return this.parts.reduce((clear, part) => clear.replaceAll(part, "[secret]"), text);
  }

  /** The error with message, stack and reasons redacted, in place: what the engine prints is what it holds. */
  error<T extends Error>(error: T): T {
    const stack = error.stack;
    error.message = this.apply(error.message);
    if (stack !== undefined) error.stack = this.apply(stack);
    const reasons = (error as { reasons?: string[] }).reasons;
    if (reasons !== undefined) (error as { reasons?: string[] }).reasons = reasons.map((reason) => this.apply(reason));
    return error;
  }
}
