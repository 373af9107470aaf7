import { validationError } from "./errors";

/** Longest content of a TXT record in bytes, as published. */
const LIMIT = 2048;
/** Longest string inside a TXT record in bytes (RFC 1035 section 3.3). */
const STRING_LIMIT = 255;

/**
 * Checks the content of a TXT record, quoted (`"one" "two"`) or bare; it is stored as it was given.
 * @throws ApiError 9207 for an empty or too long text, control characters, or an open quote
 */
export function checkTxt(content: unknown): string {
  if (typeof content !== "string" || content === "" || Buffer.byteLength(content) > LIMIT) {
    throw validationError(`Content for TXT record must have 1 to ${LIMIT} characters.`, 9207);
  }
  if (/\p{Cc}/u.test(content)) throw validationError("Content for TXT record must have no control characters.", 9207);
  parse(content);
  return content;
}

/** The record data as a zone file has it: quoted strings of at most 255 bytes each. */
export function txtPresentation(content: string): string {
  return parse(content).flatMap(cut).map(quote).join(" ");
}

/** The strings of a TXT record's content. */
function parse(content: string): Buffer[] {
  const trimmed = content.trim();
  if (!trimmed.startsWith('"')) return [Buffer.from(content)];
  const quoted = /"((?:[^"\\]|\\.)*)"\s*/gy;
  const strings: Buffer[] = [];
  let end = 0;
  for (let match = quoted.exec(trimmed); match; match = quoted.exec(trimmed)) {
    strings.push(unescape(match[1] as string));
    end = quoted.lastIndex;
  }
  if (end !== trimmed.length) throw validationError("Content for TXT record has an open quotation mark.", 9207);
  return strings;
}

/** `\DDD` is the byte with that decimal number, `\X` is X (RFC 1035 section 5.1). */
function unescape(text: string): Buffer {
  const parts = text.match(/\\\d{3}|\\.|[^\\]+/gsu) ?? [];
  const bytes = parts.map((part) => {
    const number = /^\\(\d{3})$/.exec(part)?.[1];
    if (number !== undefined && Number(number) > 255) throw validationError(`\\${number} is no byte.`, 9207);
    return number === undefined ? Buffer.from(part.replace(/^\\/, "")) : Buffer.from([Number(number)]);
  });
  return Buffer.concat(bytes);
}

function cut(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0; start < Math.max(1, bytes.length); start += STRING_LIMIT) {
    pieces.push(bytes.subarray(start, start + STRING_LIMIT));
  }
  return pieces;
}

function quote(bytes: Buffer): string {
  const text = [...bytes].map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`;
  });
  return `"${text.join("")}"`;
}
