/** Names at Hetzner. */
import { show, type Issues } from "./errors";
import { isLabel } from "./name";

/** Checks a name of Hetzner's: location, server type, image. */
export function checkCloudName(text: string, path: string, issues: Issues): void {
  if (/^[a-z0-9][a-z0-9._-]{0,62}$/.test(text)) return;
  issues.add(
    path,
    "must be a name as Hetzner's console shows it, in lower case",
    [show(text)],
    "for example fsn1, cx23, debian-13",
  );
}

/** Notes what names at Hetzner cannot begin with; with what follows they are host names there. */
export function checkNamePrefix(text: string, path: string, issues: Issues): void {
  if (isLabel(text) && text.length <= 40) return;
  const rule = "must be one DNS label of at most 40 characters: a-z, 0-9 and inner hyphens";
  issues.add(path, rule, [show(text)], "for example home, which makes home-vps");
}
