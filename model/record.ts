/**
 * The rules of what the name servers are told: records, and where they ask themselves. Kept in one place for the
 * description and the component.
 */
import { checkDomain } from "./checks";
import { show, type Issues } from "./errors";
import { isDomain, isLabel } from "./name";
import { parseAddress } from "./prefix";
import type { RecordSpec } from "./spec";
import { checkAddress } from "./text-rule";

/** A resolver takes no more name servers (resolv.conf(5)). */
export const MOST_NAME_SERVERS = 3;

const MAX_TTL = 604_800;
const RECORD_TYPE = /^[A-Z][A-Z0-9]{0,15}$/;
/** Types whose data ends in a name. */
const NAMING = ["CNAME", "MX", "NS", "PTR", "SRV"];
/** Types that the servers make themselves, or that are questions and no records (RFC 6895, section 3.1). */
const NO_RECORDS = ["SOA", "ANY", "AXFR", "IXFR", "OPT", "TSIG", "TKEY", "MAILA", "MAILB"];
/** A DS record's data (RFC 4034, section 5.3): key tag, algorithm, digest type, digest. */
const DS_DATA = /^\d{1,5} \d{1,3} \d{1,3} [0-9A-F ]{40,140}$/;

/** A record's owner: labels with an underscore before them or not, the first one maybe `*`. */
function isRecordName(name: string): boolean {
  if (name === "@") return true;
  const labels = name.split(".");
  return labels.every((label, index) => isLabel(label.replace(/^_/, "")) || (label === "*" && index === 0));
}

/** One line that a zone file reads as the data of one record: no comment, no second line, all quotes closed. */
function isOneLine(data: string): boolean {
  const outside = data.replace(/"(?:[^"\\]|\\.)*"/g, "").replace(/\\./g, "");
  return data.trim() !== "" && !/[\p{Cc}\p{Cs}]/u.test(data) && !/[;()"]/.test(outside);
}

function checkData({ type, data }: RecordSpec, path: string, issues: Issues): void {
  if (!isOneLine(data)) {
    const help = 'write it as after the type; texts in quotes: "…"';
    issues.add(path, "must be one line of a zone file", [show(data)], help);
    return;
  }
  if (type === "A") checkAddress(data, path, 4, issues);
  if (type === "AAAA") checkAddress(data, path, 6, issues);
  const target = data.split(/\s+/).at(-1)!;
  if (NAMING.includes(type) && target.includes(".") && !target.endsWith("."))
    issues.add(
      path,
      "a name with a dot in it must end in one, else it would be taken as a name inside the domain",
      [show(target)],
      `write ${target}.`,
    );
}

/** Notes what is wrong with a record by itself. */
export function checkRecord(record: RecordSpec, path: string, issues: Issues): void {
  const { name, type, ttl } = record;
  if (!isRecordName(name))
    issues.add(
      `${path}.name`,
      "must be labels of a-z, 0-9 and inner hyphens, relative to the domain, or @",
      [show(name)],
      "write it like nas or _imap._tcp, without the domain",
    );
  if (!RECORD_TYPE.test(type) || NO_RECORDS.includes(type) || (name === "@" && /^(?:NS|CNAME)$/.test(type)))
    issues.add(
      `${path}.type`,
      "must be the type of a record in capitals, and at @ neither NS nor CNAME",
      [show(type)],
      "for example A, MX or TXT",
    );
  if (ttl !== undefined && !(Number.isInteger(ttl) && ttl >= 1 && ttl <= MAX_TTL))
    issues.add(`${path}.ttl`, `must be from 1 to ${MAX_TTL} seconds`, [show(ttl)], "leave it out for 300");
  checkData(record, `${path}.data`, issues);
}

/** Notes what is wrong with each record, and what cannot stand beside another; `path` is that of the list. */
export function checkRecords(records: readonly RecordSpec[], path: string, issues: Issues): void {
  const seen = new Map<string, string>();
  const aliases = new Map<string, string>();
  records.forEach((record, index) => {
    if (record.type === "CNAME") aliases.set(record.name, `${path}[${index}]`);
  });
  records.forEach((record, index) => {
    const at = `${path}[${index}]`;
    checkRecord(record, at, issues);
    const key = [record.name, record.type, record.data].join(" ");
    const twin = seen.get(key);
    if (twin) issues.add(at, "two records are the same", [twin, show(key)], "leave one of them out");
    seen.set(key, at);
    const alias = aliases.get(record.name);
    if (alias !== undefined && alias !== at)
      issues.add(at, "nothing else may stand beside a CNAME", [alias, show(key)], "rename one of them");
  });
}

/** Notes what is no resolver to forward to; one of the servers' own addresses would be asked in a circle. */
export function checkForwarders(texts: readonly string[], path: string, own: readonly string[], issues: Issues): void {
  if (texts.length === 0) issues.add(path, "must name a resolver", ["an empty list"], "leave it out for own recursion");
  texts.forEach((text, index) => {
    if (parseAddress(text) && !own.includes(text)) return;
    issues.add(
      `${path}[${index}]`,
      "must be the IPv4 or IPv6 address of a resolver that is none of the servers",
      [show(text)],
      "write it like 198.51.100.53, not as a name",
    );
  });
}

/** Notes what is no set of root servers: name to addresses. */
export function checkRootServers(
  root: Readonly<Record<string, readonly string[]>>,
  path: string,
  issues: Issues,
): void {
  const servers = Object.entries(root);
  if (servers.length === 0) issues.add(path, "the root needs a server", ["none"], "leave it out for the real root");
  for (const [name, addresses] of servers) {
    checkDomain(name, `${path}.${name}`, issues);
    addresses.forEach((text, index) => {
      if (parseAddress(text)) return;
      const help = "write it like 198.51.100.53, not as a name";
      issues.add(`${path}.${name}[${index}]`, "must be an IPv4 or IPv6 address", [show(text)], help);
    });
  }
}

/** Notes what is no trust anchor of DNSSEC: a zone's name and its DS record. */
export function checkTrustAnchors(texts: readonly string[], path: string, issues: Issues): void {
  texts.forEach((text, index) => {
    const [name = "", ...data] = text.split(" ");
    if ((name === "." || isDomain(name.replace(/\.$/, ""))) && DS_DATA.test(data.join(" "))) return;
    const help = "write it like . 20326 8 2 E06D44B8…, without quotes";
    issues.add(`${path}[${index}]`, "must be a zone's name and its DS record", [show(text)], help);
  });
}
