/**
 * Who may announce what: a filter's rules by which a host that has more than one way takes a prefix only from the host
 * that it belongs to, and by a way that leads there. Pure.
 */
import { placeholderOf } from "../common/placeholder";
import { GUEST_PREFIX } from "../../model";
import { familyOf } from "../common/text";

/** A host of the network, as another one knows it. */
export interface Owner {
  /** Its router id. */
  readonly routerId: string;
  /** What belongs to it, of both families: its identity and what it announces. */
  readonly prefixes: readonly string[];
  /** The interfaces by which it may be reached. */
  readonly ways: readonly string[];
  /** Whether an /80 of the public network is its, for its services; the placeholder is {@link ownerPrefix}'s. */
  readonly services: boolean;
  /** Whether the Internet and the guests are behind it. */
  readonly outside: boolean;
}

/** The hosts by name, and the routers at borders of areas, which speak for those in other areas. */
export interface Owners {
  readonly hosts: Readonly<Record<string, Owner>>;
  readonly borders: readonly string[];
}

/** The placeholder of a host's /80. */
export function ownerPrefix(host: string): string {
  return placeholderOf("services_of", host);
}

const anyOf = (terms: readonly string[]): string => (terms.length === 1 ? terms[0]! : `(${terms.join(" || ")})`);

/**
 * What the filter accepts: each host's prefixes and parts of them, of that router and by those interfaces (BIRD,
 * `ospf_router_id`, `ifname`). All that is nobody's is rejected by what follows.
 */
export function ownerRules({ hosts, borders }: Owners, family: 4 | 6): string[] {
  return Object.entries(hosts).flatMap(([name, owner]) => {
    const { routerId, ways } = owner;
    if (ways.length === 0) return [];
    const prefixes = [
      ...owner.prefixes.filter((prefix) => familyOf(prefix) === family).map((prefix) => `${prefix}+`),
      ...(family === 6 && owner.services ? [`{{${ownerPrefix(name)}}}{128,128}`] : []),
      ...(family === 6 && owner.outside ? ["::/0", GUEST_PREFIX] : []),
    ];
    const routers = [...new Set([routerId, ...borders])].map((id) => `ospf_router_id = ${id}`);
    const by = ways.map((way) => `ifname = "${way}"`);
    return [`\tif net ~ [ ${prefixes.join(", ")} ] && ${anyOf(routers)} && ${anyOf(by)} then accept; # ${name}`];
  });
}
