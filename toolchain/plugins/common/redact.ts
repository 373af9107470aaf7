// The one place through which every error and every logged line passes before it leaves the plugin.

/** Texts shorter than this are not replaced: they would turn half of a message into stars and hide nothing. */
const shortestSecret = 4;

/** Texts that are secret for the life of the process, such as an API token. */
const standing = new Set<string>();

/** Makes a text secret in every later message. */
export function keepSecret(text: string): void {
  if (text.length >= shortestSecret) standing.add(text);
}

/** The text with every one of the given and the standing secrets replaced by [secret], longer ones first. */
export function redact(text: string, secrets: Iterable<string> = []): string {
  return [...new Set([...secrets, ...standing])]
    .filter((entry) => entry.trim().length >= shortestSecret)
    .sort((a, b) => b.length - a.length)
    .reduce((result, entry) => result.replaceAll(entry, "[secret]"), text);
}
