/**
 * What a preview says in words of a change that takes more than one step, or that a person could lock himself out by.
 */
import { blobOf, fingerprint } from "../connection/host-key";
import type { RoleInputs } from "./inputs";
import { pinsAlone, pinsDiffer } from "./pins";

/** A list of who may log in, by sshd's own name for such files. */
const LOGIN_KEYS = /(^|\/)authorized_keys2?$/;

/**
 * What there is to say of a role's change, of its host and not of the role: the same words for all of a host's roles
 * come once.
 */
export function noticesOf(olds: RoleInputs, news: RoleInputs): string[] {
  const host = hostOf(news);
  if (host === undefined) return [];
  const said = loginNotices(olds, news).map((text) => `${host}: ${text}`);
  if (news.installsHostKey !== undefined && pinsDiffer(olds, news))
    said.push(
      `${host}: the host gets another SSH host key, which role ${news.role} installs while the old one is still accepted. A new connection ` +
        "has to see the new one, else the host puts the old one back; after that the old one is refused",
    );
  else if (pinsAlone(olds, news))
    said.push(
      `${host}: a pinned SSH host key on the way there is another one. Roles with no other change only note it in the state: nothing is done ` +
        "for them on the host",
    );
  return said;
}

/** Which keys come and go, and which step of a rotation that is. */
function loginNotices(olds: RoleInputs, news: RoleInputs): string[] {
  return Object.entries(news.files ?? {}).flatMap(([path, file]) => {
    const old = olds.files?.[path]?.content;
    if (!LOGIN_KEYS.test(path) || typeof old !== "string" || typeof file?.content !== "string") return [];
    const [before, after] = [keysIn(old), keysIn(file.content)];
    const come = [...after.keys()].filter((key) => !before.has(key)).map((key) => after.get(key)!);
    const go = [...before.keys()].filter((key) => !after.has(key)).map((key) => before.get(key)!);
    if (come.length > 0 && go.length > 0)
      return [
        `in ${path} ${come.join(", ")} comes and ${go.join(", ")} goes in one step. The host keeps that only if this update runs with a key ` +
          "that may log in afterwards. In two steps nothing can go wrong: add the new key, log in with it, then take out the old one",
      ];
    if (come.length > 0)
      return [
        `in ${path} ${come.join(", ")} comes beside what is there. Where it is to replace another: this is step 1 of 2; log in with it, ` +
          "then take out the old one",
      ];
    if (go.length > 0)
      return [
        `in ${path} ${go.join(", ")} goes. Where another has come for it: this is step 2 of 2. This update has to run with a key that stays, ` +
          "else the host undoes it",
      ];
    return [];
  });
}

/** Fingerprint with comment of each key of a list, by the key. */
function keysIn(text: string): Map<string, string> {
  const lines = text.split("\n").map((line) => line.trim());
  return new Map(
    lines
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const [type = "", blob = "", ...comment] = line.split(/\s+/);
        try {
          const print = fingerprint(blobOf(`${type} ${blob}`));
          return [blob, comment.length > 0 ? `${print} (${comment.join(" ")})` : print];
        } catch {
          return [line, "a key with options"];
        }
      }),
  );
}

/** A host as a preview names it; undefined while its address is not known. */
export function hostOf({ connection }: RoleInputs): string | undefined {
  if (typeof connection?.address !== "string") return undefined;
  return connection.name ?? `${connection.address}${(connection.port ?? 22) === 22 ? "" : `:${connection.port}`}`;
}
