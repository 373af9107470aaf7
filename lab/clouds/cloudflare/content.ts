import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
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

/** The types that can be made, with their rules. */
const READERS: Record<string, Reader> = {
  A: ({ content }) => {
    const valid = typeof content === "string" && isIPv4(content);
    if (!valid) throw validationError("Content for A record must be a valid IPv4 address.");
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
    const preference = integer(priority, "priority", 65535, "MX");
    const host = target(content, "MX", true);
    return { content: host, presentation: `${preference} ${dotted(host)}`, priority: preference };
  },
  TXT: ({ content }) => {
    const text = checkTxt(content);
    return { content: text, presentation: txtPresentation(text) };
  },
  CAA: structured(({ flags, tag, value }) => {
    if (
      !["issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"].includes(String(tag))
    ) {
      throw validationError("data.tag of a CAA record must be issue, issuewild, issuemail or iodef.", 9105);
    }
    if (typeof value !== "string" || !/^[\x20-\x7e]{0,255}$/.test(value)) {
      throw validationError("data.value of a CAA record must be printable ASCII.", 9105);
    }
    const escaped = value.replace(/["\\]/g, "\\$&");
    const octet = integer(flags ?? 0, "data.flags", 255, "CAA");
    return { data: { flags: octet, tag, value }, content: `${octet} ${String(tag)} "${escaped}"` };
  }),
  SRV: structured((data) => {
    const [priority, weight, port] = ["priority", "weight", "port"].map((field) =>
      integer(data[field], `data.${field}`, 65535, "SRV"),
    ) as [number, number, number];
    const host = target(data["target"], "SRV", true);
    return {
      data: { priority, weight, port, target: host },
      content: `${weight} ${port} ${host}`,
      presentation: `${priority} ${weight} ${port} ${dotted(host)}`,
      priority,
    };
  }),
  TLSA: structured((data) => digest(data, "TLSA", ["usage", "selector", "matching_type"], "certificate")),
  SSHFP: structured((data) => digest(data, "SSHFP", ["algorithm", "type"], "fingerprint")),
  DS: structured((data) => digest(data, "DS", ["key_tag", "algorithm", "digest_type"], "digest")),
};

/**
 * Checks content, data and priority by the rules of the type and brings them into one form.
 * @throws ApiError 1004 that says which field breaks which rule
 */
export function readContent(type: string, body: ContentBody): Content {
  const reader = READERS[type];
  if (!reader) {
    throw validationError(
      `DNS record type '${type}' is invalid here; the lab has ${Object.keys(READERS).join(", ")}.`,
      9004,
    );
  }
  return reader(body);
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

type Structured = Omit<Content, "presentation"> & { presentation?: string };

function structured(read: (data: Record<string, unknown>) => Structured): Reader {
  return ({ data }) => {
    if (typeof data !== "object" || data === null || Array.isArray(data)) {
      throw validationError("This record type takes its content in the object 'data'.", 9101);
    }
    const content = read(data as Record<string, unknown>);
    return { presentation: content.content, ...content };
  };
}

function digest(data: Record<string, unknown>, type: string, numbers: string[], field: string): Structured {
  const values = numbers.map((name) => integer(data[name], `data.${name}`, name === "key_tag" ? 65535 : 255, type));
  const hex = data[field];
  if (typeof hex !== "string" || !/^([0-9a-fA-F]{2})+$/.test(hex)) {
    throw validationError(`data.${field} of a ${type} record must be hexadecimal.`, 9101);
  }
  const clean = Object.fromEntries(numbers.map((name, index) => [name, values[index]]));
  return { data: { ...clean, [field]: hex }, content: `${values.join(" ")} ${hex}` };
}

function integer(value: unknown, field: string, max: number, type: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) {
    throw validationError(`${field} of a ${type} record must be a number from 0 to ${max}.`, 9102);
  }
  return value;
}
