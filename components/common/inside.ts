/** What lies in the space. Pure. */
import { containsAddress, containsPrefix, parseAddress, parsePrefix } from "../../model";

/** Whether an address lies in the space. */
export function isInside(text: string, space: { v4: string; v6: string }): boolean {
  const address = parseAddress(text);
  return [space.v4, space.v6].some((supernet) => {
    const prefix = parsePrefix(supernet);
    return address !== undefined && prefix !== undefined && containsAddress(prefix, address);
  });
}

/** Those of the prefixes that lie in the space, in their order; what is none is left out. */
export function insidePrefixes(prefixes: readonly string[], space: { v4: string; v6: string }): string[] {
  const supernets = [space.v4, space.v6].map((text) => parsePrefix(text));
  return prefixes.filter((text) => {
    const prefix = parsePrefix(text);
    return prefix !== undefined && supernets.some((supernet) => supernet && containsPrefix(supernet, prefix));
  });
}
