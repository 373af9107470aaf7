/** The rules of what a certificate authority is told, and of how one is named. */
import { show, type Issues } from "./errors";
import { isDomain } from "./name";

const MINUTES = { m: 1, h: 60 } as const;
const [SHORTEST, LONGEST] = [3, 8760 * 60];
/** ub-organization-name of RFC 5280, less what the common name adds. */
const LONGEST_ORGANISATION = 40;

/** What an organisation's name must be, as a sentence without a full stop. */
export const ORGANISATION_RULE = `must be 1 to ${LONGEST_ORGANISATION} printable characters without blanks at its ends`;

/** Whether a certificate can name this organisation. */
export function isOrganisation(text: string): boolean {
  return text.length <= LONGEST_ORGANISATION && /^[^\s\p{C}](?:[^\p{C}]*[^\s\p{C}])?$/u.test(text);
}

/** Notes an organisation that no certificate can name. */
export function checkOrganisation(text: string, path: string, issues: Issues): void {
  if (!isOrganisation(text)) issues.add(path, ORGANISATION_RULE, [show(text)], "leave it out for the domain");
}

/** A time like `168h` or `5m` in minutes; undefined for anything else. */
export function minutesOf(text: string): number | undefined {
  const match = /^(\d{1,6})([hm])$/.exec(text);
  return match ? Number(match[1]) * MINUTES[match[2] as "h" | "m"] : undefined;
}

/** Notes a leaf certificate's lifetime that step-ca does not give. */
export function checkLeafLifetime(text: string, path: string, issues: Issues): void {
  const minutes = minutesOf(text);
  if (minutes !== undefined && minutes >= SHORTEST && minutes <= LONGEST) return;
  const rule = "must be a time: a whole number with h or m, from 3m to 8760h";
  issues.add(path, rule, [show(text)], "for example 168h, a week");
}

/** Notes an interval that a proxy does not look for renewals at. */
export function checkRenewInterval(text: string, path: string, issues: Issues): void {
  if (/^[1-9]\d{0,5}[smh]$/.test(text)) return;
  issues.add(path, "must be a time: a whole number with s, m or h", [show(text)], "for example 10m");
}

/** Notes what is no URL of an ACME directory (RFC 8555, section 7.1.1). */
export function checkDirectory(text: string, path: string, issues: Issues): void {
  if (/^https:\/\/[a-z0-9.-]+(?::\d{1,5})?\/[A-Za-z0-9/._~-]*$/.test(text)) return;
  const help = "write it like https://ca.intranet.example:9000/acme/acme/directory";
  issues.add(path, "must be an https URL by name", [show(text)], help);
}

/** Notes what no authority is called by in CAA records: a domain (RFC 8659, section 4.2), without parameters. */
export function checkIssuer(text: string, path: string, issues: Issues): void {
  if (isDomain(text)) return;
  issues.add(
    path,
    "must be the domain by which the authority is called in CAA records",
    [show(text)],
    "for example letsencrypt.org",
  );
}

/** Notes what is no e-mail address that an authority could write to. */
export function checkEmail(text: string, path: string, issues: Issues): void {
  if (/^[A-Za-z0-9._+-]+@[a-z0-9.-]+$/.test(text)) return;
  issues.add(path, "must be an e-mail address", [show(text)], "write it like admin@example.net");
}
