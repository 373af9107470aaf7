/** Rules for single texts, which plain values are checked by at once and others as soon as they are known. */
import { show, type Issues } from "./errors";
import { parseAddress, type Family } from "./prefix";

/** What a text must be. */
export interface TextRule {
  /** Whether it is. */
  readonly test: (text: string) => boolean;
  /** The rule, continuing "devices[0].publicKey …", without a full stop. */
  readonly says: string;
  /** The way out, without a full stop. */
  readonly help: string;
}

/** An address of a family. */
export function addressRule(family: Family): TextRule {
  return {
    test: (text) => parseAddress(text)?.family === family,
    says: `must be an IPv${family} address without a length`,
    help: `write it like ${family === 4 ? "198.51.100.1" : "2001:db8:1::1"}`,
  };
}

/** Certificates in PEM (RFC 7468), one after the other. */
export const CERTIFICATES: TextRule = {
  test: (text) => /^(?:-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]+\n)+-----END CERTIFICATE-----\n?)+$/.test(text),
  says: "must be a certificate in PEM",
  help: "begin it with -----BEGIN CERTIFICATE-----",
};

/** Notes a text that breaks a rule. */
export function checkText(text: string, path: string, rule: TextRule, issues: Issues): void {
  if (!rule.test(text)) issues.add(path, rule.says, [show(text)], rule.help);
}

/** Notes a text that is no address of that family. */
export function checkAddress(text: string, path: string, family: Family, issues: Issues): void {
  checkText(text, path, addressRule(family), issues);
}
