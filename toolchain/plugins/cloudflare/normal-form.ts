// When two spellings of a record mean the same. Cloudflare gives names and contents back in its own form; without this
// a second preview would show differences for ever (trailing dots, case, IPv6 forms, quotes, numbers as text, empty
// lists).
import { isIPv6 } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { isObject, type Properties } from "../common/values";

/** Types whose content is a host name. */
const hostTypes = new Set(["CNAME", "MX", "NS", "PTR"]);

/** Keys of `data` that hold a host name. */
const hostKeys = new Set(["target", "replacement"]);

/** A host name without its trailing dot, in lower case (RFC 4343: case does not count). */
export function normalHost(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/** An IPv6 address in the form of RFC 5952, anything else as it is. */
function normalAddress(text: string): string {
  return isIPv6(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
}

/** A TXT content without the quotes around its strings, adjacent strings joined (RFC 1035, 3.3.14). */
function normalText(text: string): string {
  const strings = text.trim().match(/^"(?:[^"\\]|\\.)*"(?:\s+"(?:[^"\\]|\\.)*")*$/)
    ? [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? "")
    : [text];
  return strings.join("").replace(/\\(["\\])/g, "$1");
}

/** A record's content in its type's normal form. */
export function normalContent(type: string, content: string): string {
  if (type === "AAAA") return normalAddress(content);
  if (hostTypes.has(type)) return normalHost(content);
  return type === "TXT" ? normalText(content) : content;
}

function normalData(data: Properties): Properties {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      const text = String(value);
      return [key, hostKeys.has(key) ? normalHost(text) : text];
    }),
  );
}

/** Whether `wanted` is contained in `live`: the API adds keys of its own to an object. */
export function covers(live: unknown, wanted: unknown): boolean {
  if (!isObject(wanted) || !isObject(live)) return isDeepStrictEqual(live, wanted);
  return Object.entries(wanted).every(([key, value]) => covers(live[key], value));
}

/**
 * Whether an input means what the live record has.
 * @param key the input's name
 * @param live the record as Cloudflare or the last outputs have it
 * @param wanted the inputs
 * @param zone the zone's name if it is known: names may be given relative to it, `@` is the zone itself
 */
export function sameInput(key: string, live: Properties, wanted: Properties, zone?: string): boolean {
  const type = String(wanted.type ?? live.type);
  const [is, want] = [live[key], wanted[key]];
  switch (key) {
    case "name":
      return sameName(String(is), String(want), zone);
    case "content":
      return want === undefined || normalContent(type, String(is)) === normalContent(type, String(want));
    case "data":
      return want === undefined || (isObject(is) && isObject(want) && covers(normalData(is), normalData(want)));
    case "proxied":
      return (is ?? false) === (want ?? false);
    case "tags":
      return isDeepStrictEqual([...((is ?? []) as string[])].sort(), [...((want ?? []) as string[])].sort());
    case "comment":
      return (is ?? "") === (want ?? "");
    case "settings":
      return want === undefined || covers(is ?? {}, want);
    case "ttl":
      // A proxied record's ttl is automatic, whatever was asked for.
      return is === want || (wanted.proxied === true && is === 1);
    default:
      return want === undefined || isDeepStrictEqual(is, want);
  }
}

function sameName(live: string, wanted: string, zone: string | undefined): boolean {
  const [is, want] = [normalHost(live), normalHost(wanted)];
  if (is === want) return true;
  if (zone === undefined) return false;
  return is === (want === "@" ? normalHost(zone) : `${want}.${normalHost(zone)}`);
}
