/** The grammars of names: DNS labels and domains, network interfaces, accounts. */
import { createHash } from "node:crypto";

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether a text is one lower-case DNS label (RFC 1123, section 2.1): letters, digits, inner hyphens, at most 63. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/**
 * Whether a text is a domain of at least two lower-case labels without the trailing dot, at most 253 characters, whose
 * last label is not a number (RFC 1123, section 2.1). Internationalised names are written in Punycode.
 */
export function isDomain(text: string): boolean {
  const labels = text.split(".");
  return text.length <= 253 && labels.length >= 2 && labels.every(isLabel) && !/^\d+$/.test(labels[labels.length - 1]!);
}

/** Whether `name` is `domain` itself or lies below it; compared label by label. */
export function isWithinDomain(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

/** Whether a text is an account's name as Debian's useradd takes it: at most 32 characters, first a letter or `_`. */
export function isUserName(text: string): boolean {
  return /^[a-z_][a-z0-9_-]{0,31}$/.test(text);
}

/**
 * Whether a text can name an interface of ours: `wg-` and more, at most 15 characters (IFNAMSIZ in linux/if.h less
 * one).
 */
export function isTunnelInterface(text: string): boolean {
  return /^wg-[a-z0-9][a-z0-9-]{0,11}$/.test(text);
}

/** What the name of the second tunnel's interface ends in. */
export const SECOND_SUFFIX = "-b";

/**
 * The name of the WireGuard interface that leads to a peer: of the first tunnel between two hosts or of the second,
 * which ends in `-b`. All start with `wg-`, so that a firewall can name them all at once. A peer's name that does not
 * fit is cut and followed by a part of its hash.
 */
export function tunnelInterface(peer: string, slot: 1 | 2 = 1): string {
  const suffix = slot === 1 ? "" : SECOND_SUFFIX;
  if (peer.length + suffix.length <= 12) return `wg-${peer}${suffix}`;
  const digest = createHash("sha256").update(peer).digest("hex").slice(0, 5);
  return `wg-${peer.slice(0, 6 - suffix.length).replace(/-+$/, "")}-${digest}${suffix}`;
}
