import { bodyOfWords, dotted, readContent } from "./content";
import { ApiError, GENERAL } from "./errors";
import type { DnsRecord, Zone } from "./model";
import type { RecordBody } from "./records";

/** What a word of a zone file may be: a quoted string, or text with strings inside (`alpn="h2,h3"`). */
const WORD = /"(?:[^"\\]|\\.)*"|(?:[^\s"\\;()]|\\.|"(?:[^"\\]|\\.)*")+|[()]|;[^\n]*|\n|\s/gsu;
/** A time in a zone file: seconds, or `1h30m` (BIND). */
const TIME = /^(?:\d+[smhdw]?)+$/i;
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** The zone as a zone file, by type; a TTL of 1 is automatic, as in the API. */
export function exportZone(zone: Zone): string {
  const types = [...new Set(zone.records.map(({ type }) => type))].sort();
  const line = (record: DnsRecord): string => {
    const { presentation } = readContent(record.type, record);
    const comment = record.comment === undefined ? "" : ` ; ${record.comment}`;
    return `${dotted(record.name)}\t${record.ttl}\tIN\t${record.type}\t${presentation}${comment}`;
  };
  const sections = types.map((type) => {
    const records = zone.records.filter((record) => record.type === type);
    return `;; ${type} Records\n${records.map(line).join("\n")}\n`;
  });
  return `;;\n;; Domain:     ${zone.name}.\n;; Exported:   ${new Date().toISOString()}\n;;\n${sections.join("\n")}`;
}

/**
 * The records of a zone file (RFC 1035 section 5): `$ORIGIN`, `$TTL`, `@`, names without a final dot, parentheses,
 * comments. SOA and NS of the zone itself are left out, as Cloudflare makes its own.
 * @throws ApiError that names the line's words, for `$INCLUDE`, other classes than IN and what has no type
 */
export function parseZoneFile(text: string, zone: string): RecordBody[] {
  let origin = `${zone}.`;
  let ttl = 1;
  let owner = origin;
  const bodies: RecordBody[] = [];
  const qualify = (name: string): string => (name === "@" ? origin : name.endsWith(".") ? name : `${name}.${origin}`);
  for (const { words, isIndented } of linesOf(text)) {
    const [first = ""] = words;
    if (first === "$ORIGIN") origin = qualify(words[1] ?? "");
    else if (first === "$TTL") ttl = seconds(words[1] ?? "");
    else if (first.startsWith("$")) throw unreadable(words);
    else {
      const rest = isIndented ? words : words.slice(1);
      if (!isIndented) owner = qualify(first);
      const body = recordOf(owner, rest, ttl, qualify);
      if (body.type !== "SOA" && !(body.type === "NS" && owner === `${zone}.`)) bodies.push(body);
    }
  }
  return bodies;
}

/** `[TTL] [class] type data`, the first two in either order. */
function recordOf(name: string, words: string[], ttl: number, qualify: (name: string) => string): RecordBody {
  const rest = [...words];
  let own = ttl;
  while (rest[0] !== undefined && (TIME.test(rest[0]) || /^(IN|CH|HS)$/i.test(rest[0]))) {
    const word = rest.shift() as string;
    if (TIME.test(word)) own = seconds(word);
    else if (word.toUpperCase() !== "IN") throw unreadable(words);
  }
  const type = rest.shift()?.toUpperCase();
  if (type === undefined || rest.length === 0) throw unreadable(words);
  if (type === "SOA") return { type };
  return { name, type, ttl: own, ...bodyOfWords(type, rest, qualify) };
}

function linesOf(text: string): { words: string[]; isIndented: boolean }[] {
  const lines: { words: string[]; isIndented: boolean }[] = [];
  let words: string[] = [];
  let depth = 0;
  let isIndented = /^[ \t]/.test(text);
  let end = 0;
  for (const match of `${text}\n`.matchAll(WORD)) {
    const [word] = match;
    // What is no word (an open quotation mark) must not get lost.
    if (match.index > end) throw unreadable([text.slice(end, end + 50)]);
    end = match.index + word.length;
    if (word === "(") depth++;
    else if (word === ")") depth--;
    else if (word === "\n" && depth === 0) {
      if (words.length > 0) lines.push({ words, isIndented });
      words = [];
      isIndented = /^[ \t]/.test(text.slice(match.index + 1, match.index + 2));
    } else if (!/^(\s|;.*)$/s.test(word)) words.push(word);
  }
  return lines;
}

function seconds(text: string): number {
  if (!TIME.test(text)) throw unreadable([text]);
  const parts = text.toLowerCase().match(/\d+[smhdw]?/g) ?? [];
  return parts.reduce((sum, part) => sum + Number.parseInt(part, 10) * (UNITS[part.slice(-1)] ?? 1), 0);
}

function unreadable(words: string[]): ApiError {
  return new ApiError(400, GENERAL, `This line of the zone file cannot be read: ${words.join(" ").slice(0, 200)}`);
}
