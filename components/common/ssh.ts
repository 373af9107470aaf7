/** What the roles of SSH services have in common. Pure. */
import { lines, MADE_BY } from "./text";

/**
 * sshd(8) reads a configuration with a host key that is staged: the words before the two paths. It wants a folder that
 * its own service makes.
 */
export const SSHD_READS = ["sh", "-c", 'mkdir -p /run/sshd && exec /usr/sbin/sshd -t -f "$1" -h "$2"', "check"];

/** sshd's list of who may log in, one public key a line. */
export function renderAuthorizedKeys(keys: readonly string[]): string {
  return lines(
    `# ${MADE_BY}`,
    keys.map((key) => key.trim()),
  );
}
