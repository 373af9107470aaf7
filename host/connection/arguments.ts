import { utils } from "ssh2";
import { ConnectionError } from "./errors";

/** A connection with every Output resolved and every default filled in. */
export interface Connection {
  address: string;
  name?: string;
  port: number;
  user: string;
  hostKeys: string[];
  via?: Connection;
  identityFile?: string;
  operatorKeys?: string[];
}

const FIELDS = new Set(["address", "name", "port", "user", "hostKeys", "via", "identityFile", "operatorKeys"]);
const USER = /^[a-z_][a-z0-9_.-]{0,31}$/;
const ADDRESS = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** A line of authorized_keys(5) without options: the blob begins with the length of its type's name. */
const PUBLIC_KEY = /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]{1,60} AAAA[A-Za-z0-9+/]{0,8000}={0,2}(?:[ \t].{0,1000})?$/;
const LONGEST_CHAIN = 4;

/** A rule that a connection's argument breaks: where, and what would be right. Values are not repeated. */
export interface ArgumentProblem {
  path: string;
  reason: string;
}

/** Checks a connection as given. `skip` says which values are not known yet (in a preview) and pass. */
export function connectionProblems(
  value: unknown,
  path = "connection",
  skip: (value: unknown) => boolean = () => false,
  depth = 0,
): ArgumentProblem[] {
  if (skip(value)) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [{ path, reason: "must be an object with address and hostKeys" }];
  if (depth >= LONGEST_CHAIN)
    return [{ path, reason: `a chain of more than ${LONGEST_CHAIN} jump hosts is a loop; check via` }];
  const given = value as Record<string, unknown>;
  const problems: ArgumentProblem[] = Object.keys(given)
    .filter((field) => !FIELDS.has(field))
    .map((field) => ({
      path: `${path}.${field}`,
      reason: `is not a field of a connection (${[...FIELDS].join(", ")}); remove it`,
    }));
  const test = (field: string, ok: (value: unknown) => boolean, reason: string) => {
    const found = given[field];
    if (!skip(found) && !ok(found)) problems.push({ path: `${path}.${field}`, reason });
  };
  const optional = (ok: (value: unknown) => boolean) => (found: unknown) => found === undefined || ok(found);
  test(
    "name",
    optional((v) => typeof v === "string" && NAME.test(v)),
    "must be letters, digits, dots, hyphens and underscores, at most 63",
  );
  test("address", (v) => typeof v === "string" && ADDRESS.test(v), "must be a host name or an IP address");
  test(
    "port",
    optional((v) => Number.isInteger(v) && Number(v) >= 1 && Number(v) <= 65535),
    "must be a whole number from 1 to 65535",
  );
  test(
    "user",
    optional((v) => typeof v === "string" && USER.test(v)),
    "must be a login name: lower case letters, digits, hyphen, underscore",
  );
  test(
    "identityFile",
    optional((v) => typeof v === "string" && v !== "" && !v.includes("\0") && !v.includes("\n")),
    "must be the path of a private key file",
  );
  if (!skip(given.hostKeys)) problems.push(...hostKeyProblems(given.hostKeys, `${path}.hostKeys`, skip));
  if (given.operatorKeys !== undefined && !skip(given.operatorKeys))
    problems.push(...operatorKeyProblems(given.operatorKeys, `${path}.operatorKeys`, skip));
  if (given.via !== undefined) problems.push(...connectionProblems(given.via, `${path}.via`, skip, depth + 1));
  return problems;
}

/** Checks a list of public host keys; `skip` says which values are not known yet. */
export function hostKeyProblems(value: unknown, path: string, skip: (value: unknown) => boolean): ArgumentProblem[] {
  if (!Array.isArray(value))
    return [{ path, reason: 'must be a list of public keys in OpenSSH form, such as "ssh-ed25519 AAAA…"' }];
  return value.flatMap((key, index) => {
    if (skip(key)) return [];
    const parsed = typeof key === "string" ? utils.parseKey(key) : new Error("not a string");
    if (parsed instanceof Error)
      return [
        {
          path: `${path}[${index}]`,
          reason:
            'must be a public key in OpenSSH form, such as "ssh-ed25519 AAAA…", as in /etc/ssh/ssh_host_ed25519_key.pub',
        },
      ];
    if (parsed.isPrivateKey())
      return [{ path: `${path}[${index}]`, reason: "is a private key; give the public half (the .pub file)" }];
    return [];
  });
}

/**
 * Public keys of any type, also those that cannot be read here: they are compared and no more. A private one is not
 * repeated.
 */
function operatorKeyProblems(value: unknown, path: string, skip: (value: unknown) => boolean): ArgumentProblem[] {
  if (!Array.isArray(value)) return [{ path, reason: "must be a list of public keys in OpenSSH form" }];
  return value.flatMap((key, index) =>
    skip(key) || (typeof key === "string" && PUBLIC_KEY.test(key.trim()))
      ? []
      : [{ path: `${path}[${index}]`, reason: 'must be a public key in OpenSSH form, such as "ssh-ed25519 AAAA…"' }],
  );
}

/**
 * A resolved connection from known fields only, defaults filled in.
 *
 * @throws ConnectionError (`arguments`) that names every field at fault.
 */
export function connectionOf(value: unknown, path = "connection"): Connection {
  const problems = connectionProblems(value, path);
  if (problems.length > 0)
    throw new ConnectionError("arguments", problems.map((problem) => `${problem.path} ${problem.reason}`).join("; "));
  const given = value as Partial<Connection> & { address: string; hostKeys: string[] };
  return {
    address: given.address,
    ...(given.name === undefined ? {} : { name: given.name }),
    port: given.port ?? 22,
    user: given.user ?? "root",
    hostKeys: [...given.hostKeys],
    ...(given.via === undefined ? {} : { via: connectionOf(given.via, `${path}.via`) }),
    ...(given.identityFile === undefined ? {} : { identityFile: given.identityFile }),
    ...(given.operatorKeys === undefined ? {} : { operatorKeys: [...given.operatorKeys] }),
  };
}

/**
 * A connection without what only helps people and logins, and says nothing of the host: another `name` or
 * `operatorKeys` is no change of a role. Takes what is given, known or not.
 */
export function withoutHints(connection: unknown): unknown {
  if (typeof connection !== "object" || connection === null) return connection;
  const { operatorKeys: _keys, name: _name, via, ...rest } = connection as Record<string, unknown>;
  return { ...rest, ...(via === undefined ? {} : { via: withoutHints(via) }) };
}

/** What tells one login from another: who, where, and the way there. */
export function loginPlace({ user, address, port, via }: Connection): string {
  return `${user}@${address} ${port}${via === undefined ? "" : ` via ${loginPlace(via)}`}`;
}

/** The host as people write it: its name, address, the port where it is not 22, and the jump host. */
export function displayName(connection: Connection): string {
  const host = connection.address.includes(":") ? `[${connection.address}]` : connection.address;
  const own = connection.port === 22 ? host : `${host}:${connection.port}`;
  const way = connection.via ? `${own} via ${connection.via.name ?? displayName(connection.via)}` : own;
  return connection.name === undefined ? way : `${connection.name} (${way})`;
}

/** Key under which connections to the same place with the same pins are shared. */
export function connectionKey(connection: Connection): string {
  return JSON.stringify([
    connection.address,
    connection.port,
    connection.user,
    [...connection.hostKeys].sort(),
    connection.identityFile ?? "",
    connection.via ? connectionKey(connection.via) : "",
  ]);
}
