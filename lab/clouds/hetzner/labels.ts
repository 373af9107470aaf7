import { invalidField } from "./errors";
import type { Labels } from "./model";

const SEGMENT = /^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/;
const PREFIX = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** Prefix of Hetzner's own labels. */
const RESERVED = "hetzner.cloud/";

/** A test of one resource's labels. */
export type Selector = (labels: Labels) => boolean;

/**
 * Checks labels by Hetzner's rules: a key is `[prefix/]name`, prefix a DNS name of at most 253 characters and not
 * Hetzner's own, names and values of at most 63 letters, digits, `.`, `_`, `-` that start and end with a letter or
 * digit; values may be empty.
 * @throws ApiError invalid_input that names the key
 */
export function checkLabels(labels: unknown): Labels {
  if (labels === undefined || labels === null) return {};
  if (typeof labels !== "object" || Array.isArray(labels)) throw invalidField("labels", "must be an object");
  for (const [key, value] of Object.entries(labels)) {
    if (!isKey(key)) throw invalidField("labels", `'${key}' is not a valid label key`);
    if (key.startsWith(RESERVED)) throw invalidField("labels", `the prefix of '${key}' is reserved`);
    if (typeof value !== "string" || !(value === "" || SEGMENT.test(value))) {
      throw invalidField("labels", `the value of '${key}' is not a valid label value`);
    }
  }
  return { ...(labels as Labels) };
}

/**
 * Reads a label selector: requirements joined by commas, each `key`, `!key`, `key=value`, `key==value`, `key!=value`,
 * `key in (a,b)` or `key notin (a,b)`; all must hold. As in Kubernetes, `!=` and `notin` hold where the key is absent.
 * @throws ApiError invalid_input for any other text
 */
export function parseSelector(text: string): Selector {
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  return (labels) => requirements.every((holds) => holds(labels));
}

function parseRequirement(text: string): Selector {
  const list = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (list) {
    const key = checkedKey(list[1] as string, text);
    const values = (list[3] as string).split(",").map((value) => value.trim());
    const wanted = list[2] === "in";
    return (labels) => values.includes(labels[key] ?? "\0") === wanted;
  }
  const compare = /^([^=!\s]+)\s*(==|!=|=)\s*(\S*)$/.exec(text);
  if (compare) {
    const key = checkedKey(compare[1] as string, text);
    const wanted = compare[2] !== "!=";
    return (labels) => (labels[key] === compare[3]) === wanted;
  }
  const absent = text.startsWith("!");
  const key = checkedKey(absent ? text.slice(1) : text, text);
  return (labels) => Object.hasOwn(labels, key) !== absent;
}

function checkedKey(key: string, text: string): string {
  if (!isKey(key)) throw invalidField("label_selector", `'${text}' is not a valid requirement`);
  return key;
}

function isKey(key: string): boolean {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  return SEGMENT.test(key.slice(slash + 1)) && (prefix === undefined || (prefix.length <= 253 && PREFIX.test(prefix)));
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^()]*\))/).map((part) => part.trim());
}
