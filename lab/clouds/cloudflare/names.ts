import { domainToASCII } from "node:url";
import { ApiError, validationError } from "./errors";

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * The fully qualified form of a record's name: `@` is the zone itself, a name outside the zone is taken as relative to
 * it, Unicode becomes punycode, all in lower case without the final dot. `*` may stand as the first label.
 * @throws ApiError 9000 when that gives no valid name (RFC 1035 section 2.3.4: labels of 63, names of 253 characters)
 */
export function qualify(name: string, zone: string): string {
  const bare = name.trim().toLowerCase().replace(/\.$/, "");
  const ascii = toAscii(bare);
  const inside = ascii === zone || ascii.endsWith(`.${zone}`);
  const full = bare === "@" || bare === "" ? zone : inside ? ascii : `${ascii}.${zone}`;
  const labels = full.split(".");
  const valid = labels.every((label, index) => LABEL.test(label) || (index === 0 && label === "*"));
  if (!valid || full.length > 253) throw new ApiError(400, 9000, `DNS name is invalid: '${name}'.`);
  return full;
}

/**
 * A name that a record points to: fully qualified already, in lower case, without the final dot; `.` stays.
 * @param allowRoot whether `.` may be named (a null MX, RFC 7505; a service that does not exist, RFC 2782)
 * @throws ApiError 9007
 */
export function target(text: unknown, type: string, allowRoot = false): string {
  if (typeof text !== "string") throw validationError(`Content for ${type} record must be a host name.`, 9007);
  const bare = toAscii(
    text
      .trim()
      .toLowerCase()
      .replace(/(.)\.$/, "$1"),
  );
  if (allowRoot && bare === ".") return bare;
  if (bare.length > 253 || !bare.split(".").every((label) => LABEL.test(label))) {
    throw validationError(`Content for ${type} record is invalid: '${text}' is not a host name.`, 9007);
  }
  return bare;
}

function toAscii(name: string): string {
  // Only Unicode goes through the URL standard's rules: they would refuse underscores and asterisks.
  return /^\p{ASCII}*$/u.test(name) ? name : domainToASCII(name);
}
