/** Which systems a host may run. Pure. */

/** What a host says of itself: fields of os-release(5), and dpkg's name of its architecture. Absent: it did not say. */
export interface Platform {
  id?: string;
  version?: string;
  name?: string;
  like?: string;
  architecture?: string;
}

/** The oldest release of each distribution; Raspberry Pi OS calls itself debian (64 bits) or raspbian (32 bits). */
const OLDEST: Readonly<Record<string, number>> = { debian: 12, raspbian: 12, ubuntu: 24.04 };
const ARCHITECTURES: readonly string[] = ["amd64", "arm64", "armhf"];
const SUPPORTED =
  "supported are Debian and Raspberry Pi OS from 12 on and Ubuntu from 24.04 on, on amd64, arm64 and armhf";

/**
 * Why a host cannot be managed, with the way out; undefined: it can, as far as it says what it is. A rolling release
 * has no version, and passes.
 */
export function platformProblem({ id, version, name, like = "", architecture }: Platform): string | undefined {
  const called = `${name ?? id ?? "an unknown system"}${architecture === undefined ? "" : ` on ${architecture}`}`;
  const refused = (way: string) => `it runs ${called}; ${SUPPORTED}: ${way}`;
  if (id !== undefined && OLDEST[id] === undefined && !/\b(debian|ubuntu)\b/.test(like))
    return refused("take another host, or install one of these on it");
  const oldest = id === undefined ? undefined : OLDEST[id];
  if (oldest !== undefined && Number(version) < oldest) return refused("upgrade it first");
  if (architecture !== undefined && !ARCHITECTURES.includes(architecture)) return refused("take another host");
  return undefined;
}
