/** The checks of components' plain arguments: at once, in the constructor, by the model's rules. */
import {
  Issues,
  checkAddress,
  checkPort,
  checkPrefix,
  checkSshKey,
  containsAddress,
  isTunnelInterface,
  parseAddress,
  show,
  type Prefix,
} from "../../model";

export { checkAddress };

/** Notes an interface name that the project's firewalls would not recognise, or that Linux does not take. */
export function checkInterface(text: string, path: string, issues: Issues): void {
  if (isTunnelInterface(text)) return;
  issues.add(
    path,
    "must start with wg- and have at most 15 characters of a-z, 0-9 and hyphen",
    [show(text)],
    "for example wg-home",
  );
}

/** Checks a prefix of each family, the supernets if `path` says nothing else, and returns them. */
export function checkSpaces(space: { v4: string; v6: string }, issues: Issues, path = "space"): (Prefix | undefined)[] {
  return [checkPrefix(space.v4, `${path}.v4`, issues, 4), checkPrefix(space.v6, `${path}.v6`, issues, 6)];
}

/** Notes a text that is none of a few words. */
export function checkOneOf(text: string, words: readonly string[], path: string, issues: Issues): void {
  if (!words.includes(text))
    issues.add(path, `must be one of ${words.join(", ")}`, [show(text)], "leave it out, or choose one of them");
}

/** Notes a role's name, or the beginning of one, that the host layer does not take. */
export function checkRoleName(text: string, path: string, issues: Issues): void {
  if (/^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,24}$/.test(text)) return;
  const rule = "must be at most 25 lower case letters, digits and single hyphens, beginning with a letter";
  issues.add(path, rule, [show(text)], "leave it out");
}

/** Notes what is wrong with a host's identity, and with the space that it must lie in; returns the space. */
export function checkIdentityIn(
  identity: { v4: string; v6: string },
  space: { v4: string; v6: string },
  path: string,
  issues: Issues,
): (Prefix | undefined)[] {
  checkAddress(identity.v4, `${path}v4`, 4, issues);
  checkAddress(identity.v6, `${path}v6`, 6, issues);
  const [v4, v6] = checkSpaces(space, issues);
  for (const [field, prefix] of [
    ["v4", v4],
    ["v6", v6],
  ] as const) {
    const address = parseAddress(identity[field]);
    if (!prefix || !address || containsAddress(prefix, address)) continue;
    issues.add(
      `${path}${field}`,
      "an identity must lie inside the space",
      [show(identity[field]), show(space[field])],
      "choose an address of the space",
    );
  }
  return [v4, v6];
}

/** Notes whichever of a list of prefixes is none. */
export function checkPrefixes(texts: readonly string[], path: string, issues: Issues): void {
  texts.forEach((text, index) => checkPrefix(text, `${path}[${index}]`, issues));
}

/** Notes whichever of a list of ports is none. */
export function checkPorts(ports: readonly number[], path: string, issues: Issues): void {
  ports.forEach((port, index) => checkPort(port, `${path}[${index}]`, issues));
}

/** Notes what is no list of SSH public keys with at least one in it. */
export function checkSshPublicKeys(keys: readonly string[], issues: Issues): void {
  if (keys.length === 0) {
    const help = "give the content of your ~/.ssh/id_ed25519.pub";
    issues.add("sshPublicKeys", "at least one key must be able to log in", ["an empty list"], help);
  }
  keys.forEach((key, index) => checkSshKey(key, `sshPublicKeys[${index}]`, issues));
}

/** Notes a text that stands at another path already; `holders` knows which text stands where. */
export function checkUnique(
  text: string,
  path: string,
  rule: string,
  holders: Map<string, string>,
  issues: Issues,
): void {
  const holder = holders.get(text);
  if (holder) issues.add(path, rule, [`${holder} ${show(text)}`, `${path} ${show(text)}`], "rename one of them");
  holders.set(text, path);
}

/** The tables of pinned services: 65536 and the service's number. */
const PINNED_TABLES = { first: 65537, last: 131071 } as const;

/**
 * Notes a routing table that is no pinned service's, or that stands there twice; `holders` knows which stands where.
 */
export function checkPinnedTable(table: number, path: string, holders: Map<string, string>, issues: Issues): void {
  const { first, last } = PINNED_TABLES;
  const rule = `must be a whole number from ${first} to ${last}`;
  if (!Number.isInteger(table) || table < first || table > last)
    issues.add(path, rule, [show(table)], "take 65536 and the service's number");
  checkUnique(String(table), path, "the table stands there twice", holders, issues);
}
