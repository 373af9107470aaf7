/** Grammars of the names that reach a host. Each rule is a test and the words that say it. */
export interface Rule {
  test: (value: unknown) => boolean;
  /** Continues "files[…].mode …": what it must be. */
  says: string;
}

const text = (pattern: RegExp, longest: number) => (value: unknown) =>
  typeof value === "string" && value.length <= longest && pattern.test(value);

/** Whether a string can be written in UTF-8 (no lone surrogates). */
export function isText(value: unknown): value is string {
  return typeof value === "string" && !/[\uD800-\uDFFF]/u.test(value);
}

// eslint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
const KEPT_OUT = ["/proc", "/sys", "/dev", "/var/lib/intranet"];
/** Room in a file name (255 bytes) for the temporary one beside it. */
const LONGEST_NAME = 230;
const LONGEST_PATH = 3500;

/** An absolute, normal path that a role may manage. */
export function isManagedPath(value: unknown): boolean {
  if (!isText(value) || !value.startsWith("/") || value === "/" || Buffer.byteLength(value) > LONGEST_PATH)
    return false;
  if (CONTROL.test(value)) return false;
  const parts = value.slice(1).split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || Buffer.byteLength(part) > LONGEST_NAME))
    return false;
  return !KEPT_OUT.some((kept) => value === kept || value.startsWith(`${kept}/`));
}

/** The grammar of each kind of argument, by name. */
export const RULES = {
  role: {
    test: text(/^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$/, 40),
    says: "must be 1 to 40 lower case letters, digits and single hyphens, beginning with a letter",
  },
  path: {
    test: isManagedPath,
    says:
      "must be an absolute path without '..', '//', a trailing '/' or control characters, and not below /proc, /sys, /dev " +
      "or /var/lib/intranet (the host layer's own records)",
  },
  // What is removed with all it holds must be nobody's but a daemon's.
  state: {
    test: (value: unknown) => isManagedPath(value) && text(/^\/var\/(?:lib|cache|log)\/./, LONGEST_PATH)(value),
    says: "must be an absolute path below /var/lib, /var/cache or /var/log, and not below /var/lib/intranet",
  },
  mode: { test: text(/^[0-7]{4}$/, 4), says: 'must be four octal digits, such as "0644"' },
  // useradd(8): the portable form of names.
  account: {
    test: text(/^[a-z_][a-z0-9_-]{0,30}$/, 31),
    says: "must be at most 31 lower case letters, digits, hyphens and underscores, beginning with a letter or underscore",
  },
  // Debian Policy 5.6.1.
  package: {
    test: text(/^[a-z0-9][a-z0-9+.-]+$/, 100),
    says: "must be a Debian package's name: lower case letters, digits, '+', '-', '.'",
  },
  // Without what apt or a header line would read otherwise: blanks, quotes, user and password, query, fragment.
  fetchUrl: {
    test: text(/^https?:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[A-Za-z0-9._~+-]+)*\/?$/, 500),
    says: "must be an http or https URL without a user, blanks and a query, by name or IPv4 address",
  },
  // Of a key of version 4 or 6 (RFC 9580, section 5.5.4).
  fingerprint: {
    test: text(/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/, 64),
    says: "must be a key's whole fingerprint: 40 or 64 hexadecimal digits in upper case without blanks",
  },
  sha256: { test: text(/^[0-9a-f]{64}$/, 64), says: "must be a SHA-256: 64 hexadecimal digits in lower case" },
  // sources.list(5).
  suite: {
    test: text(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, 100),
    says: "must be letters, digits, dots, hyphens, plus signs and underscores, beginning with a letter or digit",
  },
  // systemd.unit(5).
  unit: {
    test: text(
      /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*\.(?:service|socket|timer|path|target|mount|automount|swap|slice)$/,
      230,
    ),
    says: "must be a systemd unit's full name, such as bird.service",
  },
  // sysctl(8), sysctl.d(5): dots or slashes separate.
  sysctl: {
    test: (value: unknown) =>
      text(/^[a-z0-9_]+(?:[./][A-Za-z0-9_@:-][A-Za-z0-9_@:.-]*)+$/, 200)(value) &&
      !String(value).split(/[./]/).includes(""),
    says: "must be a kernel setting's name, such as net.ipv4.ip_forward (with slashes where a name holds a dot)",
  },
  sysctlValue: {
    test: text(/^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/, 500),
    says: "must be one line of printable ASCII that neither begins nor ends with a blank",
  },
  home: {
    test: (value: unknown) => text(/^\/[^:\s]*$/u, 400)(value) && isText(value),
    says: "must be an absolute path without blanks and colons",
  },
  linkTarget: {
    test: (value: unknown) =>
      isText(value) && value !== "" && !CONTROL.test(value) && Buffer.byteLength(value) < LONGEST_PATH,
    says: "must be a path without control characters",
  },
  secretName: { test: text(/^[A-Za-z0-9_]+$/, 300), says: "must be letters, digits and underscores" },
  liveName: {
    test: (value: unknown) => isText(value) && value.trim() !== "" && value.length <= 100 && !CONTROL.test(value),
    says: "must be one line of at most 100 characters",
  },
  // IFNAMSIZ in linux/if.h less one; no name that could be an option.
  interface: {
    test: text(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/, 15),
    says: "must be an interface's name: at most 15 letters, digits, dots, hyphens and underscores",
  },
  description: {
    test: (value: unknown) => isText(value) && value.length <= 300 && !CONTROL.test(value),
    says: "must be one line of at most 300 characters",
  },
  word: {
    test: (value: unknown) => isText(value) && !value.includes("\0") && value.length < 30_000,
    says: "must be text without NUL",
  },
  program: {
    test: text(/^(?:\/[^\s\0]+|[A-Za-z0-9_][A-Za-z0-9_.+-]*)$/u, 400),
    says: "must be a program's name or absolute path",
  },
} satisfies Record<string, Rule>;
