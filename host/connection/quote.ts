/**
 * Quotes an argument list for the remote login shell: the one place where words become a command line.
 *
 * SSH carries a single string (RFC 4254, 6.5). Inside single quotes a POSIX shell takes everything literally; a single
 * quote itself is closed, escaped and opened again.
 *
 * @throws RangeError for an empty list or a word with NUL, which no argument list can carry.
 */
export function quoteCommand(words: readonly string[]): string {
  if (words.length === 0) throw new RangeError("a command needs at least one word");
  return words.map(quoteWord).join(" ");
}

function quoteWord(word: string): string {
  if (word.includes("\0")) throw new RangeError("a command's word must not hold NUL");
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
