/** Whether the cloud offers the server that is asked for. Pure. */
import { Issues, show } from "../../model";

/** What is asked for. */
export interface Wanted {
  serverType: string;
  image: string;
  location: string;
}

/** What the cloud's API lists; a list that could not be read is absent, and nothing is said of it. */
export interface Offer {
  serverTypes?: readonly ServerType[] | undefined;
  images?: readonly Image[] | undefined;
  locations?: readonly { name: string; id: number }[] | undefined;
}

interface ServerType {
  name: string;
  id: number;
  architecture: string;
  /** Where it is offered; empty when the API does not say. */
  locations?: readonly { name: string; unavailableAfter?: string }[];
}

interface Image {
  name: string;
  id: number;
  architecture: string;
}

/** By name or, as the API takes it too, by number. */
const isCalled = (key: string) => (entry: { name: string; id: number }) =>
  entry.name === key || String(entry.id) === key;

const names = (entries: readonly { name: string }[]): string =>
  [...new Set(entries.map(({ name }) => name).filter((name) => name !== ""))].sort().join(", ") || "none";

/**
 * The problems of a server that would be made, or changed from what `there` is: what stays is not asked for. `now`:
 * milliseconds since 1970.
 */
export function checkOffer(wanted: Wanted, offer: Offer, there: Partial<Wanted> = {}, now = Date.now()): Issues {
  const issues = new Issues();
  const { serverTypes = [], images = [], locations = [] } = offer;
  const fresh = (field: keyof Wanted) => wanted[field] !== there[field];
  const type = serverTypes.find(isCalled(wanted.serverType));
  const moves = fresh("location") || fresh("serverType");
  if (fresh("location") && locations.length > 0 && !locations.some(isCalled(wanted.location)))
    return add(issues, "location", "Hetzner has no such location", wanted.location, names(locations));
  if (fresh("serverType") && serverTypes.length > 0 && type === undefined)
    return add(issues, "serverType", "Hetzner has no such server type", wanted.serverType, names(serverTypes));
  const places = (type?.locations ?? []).filter(({ unavailableAfter }) => !isPast(unavailableAfter, now));
  const isOffered = places.length === 0 || places.some(({ name }) => name === wanted.location);
  if (moves && type?.locations?.length && !isOffered)
    add(
      issues,
      "serverType",
      `Hetzner does not offer it in ${wanted.location}`,
      wanted.serverType,
      names(places),
      "locations with it",
    );
  if (fresh("image") && images.length > 0) {
    const named = images.filter(isCalled(wanted.image));
    const fits = ({ architecture }: Image) => type === undefined || architecture === type.architecture;
    if (named.length === 0) add(issues, "image", "Hetzner has no such image", wanted.image, names(images.filter(fits)));
    else if (!named.some(fits))
      add(
        issues,
        "image",
        `there is none for ${type!.architecture}, as ${type!.name} is`,
        wanted.image,
        names(images.filter(fits)),
      );
  }
  return issues;
}

function add(issues: Issues, path: string, rule: string, value: string, known: string, what = "known are"): Issues {
  issues.add(path, rule, [show(value)], `choose another one; ${what}: ${known}`);
  return issues;
}

function isPast(date: string | undefined, now: number): boolean {
  const at = Date.parse(date ?? "");
  return !Number.isNaN(at) && at < now;
}
