/** Names of placeholders in a role's files. Pure. */

/**
 * The placeholder of what belongs to a host name or label, such as `address_of_web_example_net`: by name and never by
 * position, so that another one changes no line but its own. No two names have the same: a dot becomes one underscore,
 * a hyphen two, and neither stands beside a dot (RFC 1123, 2.1).
 */
export function placeholderOf(what: string, name: string): string {
  return `${what}_of_${name.replaceAll("-", "__").replaceAll(".", "_")}`;
}
