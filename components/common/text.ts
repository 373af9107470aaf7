/** What rendered files have in common. */

/** The first comment of every file that the project writes on a host. */
export const MADE_BY = "Made by pulumi-intranet: what is changed here by hand is undone by the next `pulumi up`.";

/** Joins lines and ends the last one, as text files on Unix do. */
export function lines(...parts: readonly (string | readonly string[])[]): string {
  return `${parts.flat().join("\n")}\n`;
}

/** The prefixes of one family, by their text. */
export function familyOf(text: string): 4 | 6 {
  return text.includes(":") ? 6 : 4;
}
