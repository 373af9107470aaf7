/** Arguments that may be Outputs: a plain text is checked at once with the others, an Output as soon as it is known. */
import * as pulumi from "@pulumi/pulumi";
import { checkText, isDomain, parseAddress, parsePrefix, type Issues, type TextRule } from "../../model";

export { addressRule, CERTIFICATES } from "../../model";

/** Where a tunnel's other end is reached: an address or a name. */
export const ENDPOINT: TextRule = {
  test: (text) => parseAddress(text) !== undefined || isDomain(text),
  says: "must be an address or a domain name",
  help: "write it like 198.51.100.160, the port apart",
};

/** A WireGuard public key: 32 bytes in base64 (wg(8)). */
export const WIREGUARD_PUBLIC_KEY: TextRule = {
  test: (text) => /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text),
  says: "must be a WireGuard public key: 44 characters of base64",
  help: "take that of `wg pubkey`, or of a WireGuardKey",
};

/** An IPv6 prefix. */
export const IPV6_PREFIX: TextRule = {
  test: (text) => parsePrefix(text)?.family === 6,
  says: "must be an IPv6 prefix in CIDR notation with no bits set after its length",
  help: "write it like 2001:db8:1::/64",
};

/** A network of 64 bits, such as a cloud gives to each server. */
export const NETWORK_64: TextRule = {
  test: (text) => parsePrefix(text)?.family === 6 && parsePrefix(text)?.length === 64,
  says: "must be an IPv6 prefix of 64 bits",
  help: "write it like 2001:db8:1::/64",
};

/** Notes a plain text that breaks the rule; an Output is left to {@link known}. */
export function checkInput(value: pulumi.Input<string>, path: string, rule: TextRule, issues: Issues): void {
  if (typeof value === "string") checkText(value, path, rule, issues);
}

/**
 * The value, which ends the update where it is used if it breaks the rule once it is known. It is not shown: it may be
 * a secret.
 */
export function known(value: pulumi.Input<string>, path: string, rule: TextRule): pulumi.Output<string> {
  return pulumi.output(value).apply((text) => {
    if (rule.test(text)) return text;
    throw new pulumi.RunError(`${path}: ${rule.says}\n    → ${rule.help}`);
  });
}
