import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import { DATA_TYPES, type DataType } from "./data-types";
import { validationError } from "./errors";
import { target } from "./names";
import { checkTxt, txtPresentation } from "./txt";

/** What a record's type makes of content, data and priority. */
export interface Content {
  /** As the API shows it. */
  content: string;
  /** As the zone file has it (RFC 1035 section 5.1): names with a final dot. */
  presentation: string;
  data?: Record<string, unknown>;
  priority?: number;
}

/** Content as a client sends it. */
export interface ContentBody {
  content?: unknown;
  data?: unknown;
  priority?: unknown;
}

type Reader = (body: ContentBody) => Content;

/** The types that take `content`, with their rules. */
const READERS: Record<string, Reader> = {
  A: ({ content }) => {
    const valid = typeof content === "string" && isIPv4(content);
    if (!valid) throw validationError("Content for A record must be a valid IPv4 address.", 9005);
    return plain(content);
  },
  AAAA: ({ content }) => {
    const valid = typeof content === "string" && isIPv6(content) && !content.includes("%");
    if (!valid) throw validationError("Content for AAAA record must be a valid IPv6 address.", 9006);
    return plain(ipaddr.parse(content).toString());
  },
  CNAME: ({ content }) => pointer(target(content, "CNAME")),
  NS: ({ content }) => pointer(target(content, "NS")),
  PTR: ({ content }) => pointer(target(content, "PTR")),
  MX: ({ content, priority }) => {
    if (typeof priority !== "number" || !Number.isInteger(priority) || priority < 0 || priority > 65535) {
      throw validationError("priority of a MX record must be a number from 0 to 65535.", 9102);
    }
    const host = target(content, "MX", true);
    return { content: host, presentation: `${priority} ${dotted(host)}`, priority };
  },
  OPENPGPKEY: ({ content }) => {
    const valid = typeof content === "string" && content !== "" && /^[A-Za-z0-9+/]+={0,2}$/.test(content);
    if (!valid) throw validationError("Content for OPENPGPKEY record must be base64.", 9101);
    return plain(content);
  },
  TXT: ({ content }) => {
    const text = checkTxt(content);
    return { content: text, presentation: txtPresentation(text) };
  },
};

/**
 * Checks content, data and priority by the rules of the type and brings them into one form.
 * @throws ApiError that says which field breaks which rule
 */
export function readContent(type: string, body: ContentBody): Content {
  const structured = Object.hasOwn(DATA_TYPES, type) ? DATA_TYPES[type] : undefined;
  if (structured) return readData(type, structured, body);
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (!reader) {
    const types = [...Object.keys(READERS), ...Object.keys(DATA_TYPES)].sort().join(", ");
    throw validationError(`DNS record type '${type}' is invalid here; the lab has ${types}.`, 9004);
  }
  return reader(body);
}

/**
 * What a client would send for a record of a zone file.
 * @param words its data, quotation marks and all
 * @param qualify completes a name that has no final dot
 */
export function bodyOfWords(type: string, words: string[], qualify: (name: string) => string): ContentBody {
  const structured = Object.hasOwn(DATA_TYPES, type) ? DATA_TYPES[type] : undefined;
  if (structured) {
    const names = Object.keys(structured.fields);
    // The last field takes what is left, as keys and digests may be cut into several words.
    const last = words.slice(names.length - 1).join(structured.fields["value"] ? " " : "");
    const parsed = [...words.slice(0, names.length - 1), last];
    const values = names.map((name, index) => [name, structured.fields[name]?.parse(parsed[index] ?? "", qualify)]);
    return { data: Object.fromEntries(values) };
  }
  const [first = "", second = ""] = words;
  if (type === "MX") return { priority: Number(first), content: qualify(second) };
  if (["CNAME", "NS", "PTR"].includes(type)) return { content: qualify(first) };
  if (type === "TXT") return { content: words.map((word) => (word.startsWith('"') ? word : `"${word}"`)).join(" ") };
  return { content: words.join("") };
}

/** Name with a final dot, as zone files want it. */
export function dotted(name: string): string {
  return name === "." ? name : `${name}.`;
}

function plain(content: string): Content {
  return { content, presentation: content };
}

function pointer(host: string): Content {
  return { content: host, presentation: dotted(host) };
}

function readData(type: string, { fields, defaults = {}, prefix = "", hasPriority }: DataType, body: ContentBody) {
  const { data: given, priority } = body;
  if (given !== undefined && (typeof given !== "object" || given === null || Array.isArray(given))) {
    throw validationError(`data of a ${type} record must be an object.`, 9101);
  }
  const from: Record<string, unknown> = { ...defaults, ...(hasPriority ? { priority } : {}), ...given };
  const data: Record<string, string | number> = {};
  const words: string[] = [];
  for (const [name, kind] of Object.entries(fields)) {
    if (from[name] === undefined) throw validationError(`${name} is a required data field.`, 9101);
    data[name] = kind.read(from[name], `data.${name} of a ${type} record`);
    words.push(kind.write(data[name]));
  }
  const presentation = words.join(" ").trimEnd();
  if (!hasPriority) return { data, content: `${prefix}${presentation}`, presentation };
  // Cloudflare shows a target of SRV without its final dot, also here.
  const content = words
    .slice(1)
    .join(" ")
    .replace(/(\S)\.$/, "$1");
  return { data, content, presentation, priority: data["priority"] as number };
}
