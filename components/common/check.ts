/** The checks of components' plain arguments: at once, in the constructor, by the model's rules. */
import {
  Issues,
  checkPort,
  checkPrefix,
  checkSshKey,
  containsAddress,
  isTunnelInterface,
  parseAddress,
  show,
  type Family,
  type Prefix,
} from "../../model";

/** Notes a text that is no address of that family. */
export function checkAddress(text: string, path: string, family: Family, issues: Issues): void {
  if (parseAddress(text)?.family === family) return;
  issues.add(
    path,
    `must be an IPv${family} address without a length`,
    [show(text)],
    `write it like ${family === 4 ? "10.31.240.1" : "fd12:3456:789a:ffff::1"}`,
  );
}

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

/** Checks the supernets and returns them. */
export function checkSpaces(space: { v4: string; v6: string }, issues: Issues): (Prefix | undefined)[] {
  return [checkPrefix(space.v4, "space.v4", issues, 4), checkPrefix(space.v6, "space.v6", issues, 6)];
}

/** Checks a host's identity: two addresses, each in the space. Raises all problems at once. */
export function checkIdentity(
  subject: string,
  args: { v4: string; v6: string; space: { v4: string; v6: string } },
): void {
  const issues = new Issues();
  checkIdentityIn(args, args.space, "", issues);
  issues.throwIfAny(subject);
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
