/** A host's pinned keys in the life of its roles: which role may change them, and what a change means to the others. */
import { isDeepStrictEqual } from "node:util";
import { type ArgumentProblem, type Connection, hostKeyProblems } from "../connection/arguments";
import { changedFields } from "./diff";
import { isUnknown, type RoleInputs } from "./inputs";

/** What is wrong with `installsHostKey` as given. */
export function installsHostKeyProblems(inputs: Record<string, unknown>): ArgumentProblem[] {
  const path = "installsHostKey";
  const { installsHostKey: given, confirm } = inputs;
  if (given === undefined || isUnknown(given)) return [];
  if (typeof given !== "object" || given === null || Object.keys(given).some((field) => field !== "first"))
    return [{ path, reason: "must be an object with nothing in it but first" }];
  const { first } = given as { first?: unknown };
  const problems: ArgumentProblem[] =
    first === undefined || isUnknown(first) ? [] : hostKeyProblems(first, `${path}.first`, isUnknown);
  if (confirm === undefined || confirm === false)
    problems.push({
      path,
      reason: "needs confirm: a new connection has to see the new key, or the host puts the old one back",
    });
  return problems;
}

/**
 * Whether nothing differs but pinned keys, which another role installs, of the host or of one on the way to it: the
 * host itself is as it should be then.
 */
export function pinsAlone(olds: RoleInputs, news: RoleInputs): boolean {
  if (!isDeepStrictEqual(changedFields(olds, news), ["connection"])) return false;
  if (news.installsHostKey !== undefined && pinsDiffer(olds, news)) return false;
  return isDeepStrictEqual(unpinned(olds.connection), unpinned(news.connection));
}

/** Whether the host's own pinned keys differ. */
export function pinsDiffer(olds: RoleInputs, news: RoleInputs): boolean {
  return !isDeepStrictEqual(olds.connection?.hostKeys, news.connection?.hostKeys);
}

/**
 * The way to a host that a role gives another key: it may still show one of `before`. Undefined for every other role,
 * and where there was no other key: those take the pinned ones alone.
 */
export function wayBefore(
  connection: Connection,
  inputs: RoleInputs,
  before: readonly string[],
): Connection | undefined {
  if (inputs.installsHostKey === undefined || before.every((key) => connection.hostKeys.includes(key)))
    return undefined;
  return withPins(connection, before);
}

/** The same connection with more pinned keys. */
export function withPins(connection: Connection, more: readonly string[]): Connection {
  return { ...connection, hostKeys: [...new Set([...connection.hostKeys, ...more])] };
}

function unpinned(connection: Connection | undefined): object | undefined {
  if (typeof connection !== "object" || connection === null) return undefined;
  const { hostKeys: _hostKeys, name: _name, operatorKeys: _operatorKeys, via, ...rest } = connection;
  return { ...rest, ...(via ? { via: unpinned(via) } : {}) };
}
