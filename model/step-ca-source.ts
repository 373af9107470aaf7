/** Where the authority's program comes from, which Debian has not. */
import { show, type Issues } from "./errors";

/**
 * - `smallstep`: its maker's apt repository, where the host's own apt has no `step-ca`. The source is pinned to
 *   `step-ca` and `step-cli`, and goes with the role.
 * - `present`: the host has it, or its apt knows it. Nothing is added.
 * - {@link StepCaRepository}: a repository of the same layout elsewhere, or another key.
 * - {@link StepCaFile}: one package by its checksum.
 */
export type StepCaSource = "smallstep" | "present" | StepCaRepository | StepCaFile;

/** An apt repository with `step-ca` in suite `debs`, component `main`. What is left out is Smallstep's. */
export interface StepCaRepository {
  /** http or https. Default: {@link SMALLSTEP}'s. The host may have no other apt source at that server. */
  repository?: string;
  /** URL of the key that it is signed with. Default: {@link SMALLSTEP}'s. */
  key?: string;
  /** The key's: 40 or 64 hexadecimal digits, blanks between them allowed. Default: {@link SMALLSTEP}'s. */
  fingerprint?: string;
}

/** A Debian package of `step-ca` for the host's architecture. It is installed once; nothing updates it. */
export interface StepCaFile {
  /** http or https. */
  deb: string;
  /** SHA-256 of the file: 64 hexadecimal digits. */
  sha256: string;
}

/**
 * Smallstep's repository. URLs, suite and component are those of its documentation
 * (https://smallstep.com/docs/step-ca/installation, Debian/Ubuntu; February 2026). Smallstep prints no fingerprint
 * there. This one is of the key by which Google's Artifact Registry signs the repositories that it keeps, as Mozilla
 * prints it for its own (https://support.mozilla.org/kb/install-firefox-linux), and as users of Smallstep's wrote it
 * down. None of it was tried against the real server. Another key is refused, before anything is left on the host.
 */
export const SMALLSTEP = {
  repository: "https://packages.smallstep.com/stable/debian",
  key: "https://packages.smallstep.com/keys/apt/repo-signing-key.gpg",
  fingerprint: "35BAA0B33E9EB396F59CA838C0BA5CE6DC6315A3",
  suite: "debs",
  component: "main",
} as const;

const URL_RULE = /^https?:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[A-Za-z0-9._~+-]+)*\/?$/;

/** A fingerprint as programs compare it: without blanks, in upper case. */
export function plainFingerprint(text: string): string {
  return text.replace(/ /g, "").toUpperCase();
}

/** Notes what is wrong with a source. */
export function checkStepCaSource(source: StepCaSource, path: string, issues: Issues): void {
  if (typeof source === "string") {
    if (source === "smallstep" || source === "present") return;
    const help = "write smallstep, present, { deb, sha256 } or { repository, key, fingerprint }";
    issues.add(path, "must be smallstep or present, or say where", [show(source)], help);
    return;
  }
  const { repository, key, fingerprint, deb, sha256 } = source as Partial<StepCaRepository & StepCaFile>;
  for (const [field, url] of Object.entries({ repository, key, deb }))
    if (url !== undefined) checkUrl(url, `${path}.${field}`, issues);
  if (deb !== undefined || sha256 !== undefined) checkFile({ deb, sha256 }, path, issues);
  const others = Object.entries({ repository, key, fingerprint }).filter(([, value]) => value !== undefined);
  if ((deb !== undefined || sha256 !== undefined) && others.length > 0)
    issues.add(
      path,
      "must be a repository or a file, not both",
      ["deb", ...others.map(([field]) => field)],
      "leave deb and sha256 out, or the others",
    );
  if (fingerprint !== undefined && !/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(plainFingerprint(fingerprint)))
    issues.add(
      `${path}.fingerprint`,
      "must be a key's whole fingerprint: 40 or 64 hexadecimal digits",
      [show(fingerprint)],
      "see gpg --show-keys",
    );
  if (repository !== undefined && key === undefined)
    issues.add(`${path}.key`, "another repository has a key of its own", [show(repository)], "give the key's URL");
  if (key !== undefined && fingerprint === undefined)
    issues.add(
      `${path}.fingerprint`,
      "another key has another fingerprint",
      [show(key)],
      "give it as the owner prints it",
    );
}

function checkUrl(url: string, path: string, issues: Issues): void {
  if (url.length <= 500 && URL_RULE.test(url)) return;
  const rule = "must be an http or https URL without a user, blanks and a query, by name or IPv4 address";
  issues.add(path, rule, [show(url)], `for example ${SMALLSTEP.repository}`);
}

function checkFile({ deb, sha256 }: Partial<StepCaFile>, path: string, issues: Issues): void {
  if (deb === undefined)
    issues.add(`${path}.deb`, "a checksum needs its file", [show(sha256)], "give the package's URL");
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256))
    issues.add(
      `${path}.sha256`,
      "must be the file's SHA-256: 64 hexadecimal digits in lower case",
      [show(sha256)],
      "see sha256sum, and compare with what the maker says",
    );
}
