import { asProgram } from "./sdk";

/**
 * Puts a function in the place of one that a module of the SDK exports, and that the SDK calls by way of the module.
 * Nothing happens where there is no such SDK, or it exports the function otherwise. `folder`: as for `loadWhenUsed`.
 */
export function replaceExported<F extends (...args: never[]) => unknown>(
  folder: string,
  module: string,
  name: string,
  replacement: (original: F) => F,
): void {
  let exported: Record<string, F>;
  try {
    exported = asProgram(folder)(module) as Record<string, F>;
  } catch {
    return;
  }
  const described = Object.getOwnPropertyDescriptor(exported, name);
  if (typeof described?.value === "function" && described.writable) exported[name] = replacement(described.value as F);
}
