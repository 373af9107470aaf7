import { validationError } from "./errors";
import { target } from "./names";

/** How one value of `data` is checked and written. */
interface Kind {
  /** The value in its one form. @throws ApiError that names the field and the rule */
  read(value: unknown, field: string): string | number;
  /** As a zone file has it (RFC 1035 section 5.1). */
  write(value: string | number): string;
  /** What a zone file's word says; `qualify` completes a name. */
  parse(word: string, qualify: (name: string) => string): unknown;
}

/** A record type whose content is an object: its fields in the order of the zone file. */
export interface DataType {
  fields: Record<string, Kind>;
  /** Values of fields that may be absent. */
  defaults?: Record<string, number>;
  /** What `content` begins with. */
  prefix?: string;
  /** The first field is the record's priority: it is not part of `content`, and may stand beside `data`. */
  hasPriority?: boolean;
}

const plain = { write: String, parse: (word: string) => word };

function number(max: number, whole = true, min = 0): Kind {
  return {
    read: (value, field) => {
      const valid = typeof value === "number" && value >= min && value <= max && (Number.isInteger(value) || !whole);
      if (!valid) throw validationError(`${field} must be a number from ${min} to ${max}.`, 9102);
      return value;
    },
    write: String,
    parse: (word) => Number(word.replace(/m$/, "")),
  };
}

function text(form: RegExp, rule: string, code = 9101): Kind {
  return {
    ...plain,
    read: (value, field) => {
      if (typeof value !== "string" || !form.test(value)) throw validationError(`${field} must be ${rule}.`, code);
      return value;
    },
  };
}

const U8 = number(255);
const U16 = number(65535);
const METRES: Kind = { ...number(42849672.95, false, -100000), write: (value) => `${value}m` };
const HEX = text(/^([0-9a-fA-F]{2})+$/, "hexadecimal");
const BASE64 = text(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, "in base64");
const CAA_TAG = text(
  /^(issue|issuewild|iodef|issuemail|issuevmc|contactemail|contactphone)$/,
  "a property of CAA",
  9105,
);
const STRING: Kind = {
  ...text(/^[\x20-\x7e]{0,255}$/, "at most 255 characters of printable ASCII", 9105),
  write: (value) => `"${String(value).replace(/["\\]/g, "\\$&")}"`,
  parse: (word) => word.replace(/^"(.*)"$/s, "$1").replace(/\\(.)/gs, "$1"),
};
/** `alpn="h2,h3" ipv4hint=192.0.2.1` (RFC 9460 section 2.1): not taken apart, what no zone file may hold is refused. */
const PARAMETERS: Kind = {
  ...plain,
  read: (value, field) => {
    const trimmed = typeof value === "string" ? value.trim() : undefined;
    const form = /^([a-z0-9-]+(=("[^"\\]*"|[^\s"\\;()]+))?(\s+|$))*$/;
    if (trimmed === undefined || !form.test(trimmed)) throw validationError(`${field} must be key="value" …`, 9105);
    return trimmed;
  },
};

/** A host name; Cloudflare keeps it without its final dot in SRV, with it elsewhere. */
function host(dot: "" | "."): Kind {
  const bare = (value: string): string => value.replace(/(.)\.$/, "$1");
  return {
    read: (value, field) => {
      const name = target(value, field, true);
      return name === "." ? name : `${name}${dot}`;
    },
    write: (value) => (value === "." ? "." : `${bare(String(value))}.`),
    parse: (word, qualify) => qualify(word),
  };
}

const DIGEST = { algorithm: U8, digest_type: U8, digest: HEX };
const CERTIFICATE = { usage: U8, selector: U8, matching_type: U8, certificate: HEX };
const SERVICE = { priority: U16, target: host("."), value: PARAMETERS };
const degrees = (max: number, side: string, direction: RegExp, rule: string): Record<string, Kind> => ({
  [`${side}_degrees`]: number(max),
  [`${side}_minutes`]: number(59),
  [`${side}_seconds`]: number(59.999, false),
  [`${side}_direction`]: text(direction, rule),
});

/** The types that take `data`. */
export const DATA_TYPES: Record<string, DataType> = {
  CAA: { fields: { flags: U8, tag: CAA_TAG, value: STRING }, defaults: { flags: 0 } },
  CERT: { fields: { type: U16, key_tag: U16, algorithm: U8, certificate: BASE64 } },
  DS: { fields: { key_tag: U16, ...DIGEST } },
  HTTPS: { fields: SERVICE },
  LOC: {
    fields: {
      ...degrees(90, "lat", /^[NS]$/, "N or S"),
      ...degrees(180, "long", /^[EW]$/, "E or W"),
      altitude: METRES,
      size: METRES,
      precision_horz: METRES,
      precision_vert: METRES,
    },
    // RFC 1876 section 3.
    defaults: { size: 1, precision_horz: 10000, precision_vert: 10 },
    prefix: "IN LOC ",
  },
  NAPTR: {
    fields: { order: U16, preference: U16, flags: STRING, service: STRING, regex: STRING, replacement: host(".") },
  },
  SMIMEA: { fields: CERTIFICATE },
  SRV: { fields: { priority: U16, weight: U16, port: U16, target: host("") }, hasPriority: true },
  SSHFP: { fields: { algorithm: U8, type: U8, fingerprint: HEX } },
  SVCB: { fields: SERVICE },
  TLSA: { fields: CERTIFICATE },
  URI: { fields: { priority: U16, weight: U16, target: STRING }, hasPriority: true },
};
