/** The records of a domain that leads to its sinkhole. Pure. */
import { PUBLIC_ISSUER } from "../../model";

/** A record as Cloudflare takes it; `content` for addresses, `data` for CAA. */
export interface PlannedRecord {
  /** Distinguishes it from the component's other records, for the resource's name. */
  readonly key: string;
  /** Fully qualified, lower case, without the trailing dot. */
  readonly name: string;
  readonly type: "A" | "AAAA" | "CAA";
  /** For AAAA: the position of the service whose own address it is; absent: the sinkhole's address. */
  readonly service?: number;
  /** For CAA (RFC 8659, section 4). */
  readonly data?: { readonly flags: number; readonly tag: string; readonly value: string };
}

/** What the records depend on. */
export interface PublicNames {
  readonly domain: string;
  readonly apex: boolean;
  /** Issuers; empty: nobody. */
  readonly caa: readonly string[];
  /** Names of services, one label below the domain; default none. */
  readonly services?: readonly string[];
  /** Who may issue for them. */
  readonly issuer?: string;
}

/** A CAA record: who may issue, or `;` for nobody. */
function authorization(key: string, name: string, value: string, tag: "issue" | "issuewild" = "issue"): PlannedRecord {
  return { key, name, type: "CAA", data: { flags: 0, tag, value } };
}

/**
 * A service's name. Names below it would be covered neither by the domain's wildcard (RFC 4592, section 2.2.1) nor by
 * its CAA (RFC 8659, section 3), since its own stand nearer: they get a wildcard of their own, with the same answers,
 * and the service gets no wildcard certificate.
 */
function serviceRecords(
  name: string,
  service: number,
  { domain, issuer = PUBLIC_ISSUER }: PublicNames,
): PlannedRecord[] {
  const label = name.slice(0, -domain.length - 1);
  const below = `*.${name}`;
  return [
    { key: `service-${label}-a`, name, type: "A" },
    { key: `service-${label}-aaaa`, name, type: "AAAA", service },
    authorization(`service-${label}-caa`, name, issuer),
    authorization(`service-${label}-caa-wildcard`, name, ";", "issuewild"),
    { key: `below-${label}-a`, name: below, type: "A" },
    { key: `below-${label}-aaaa`, name: below, type: "AAAA" },
    authorization(`below-${label}-caa`, below, ";"),
  ];
}

/**
 * Wildcard and apex for both families, services, and who may issue certificates for what. No internal name is ever
 * published.
 */
export function planRecords(names: PublicNames): PlannedRecord[] {
  const hosts = [
    { key: "wildcard", name: `*.${names.domain}` },
    ...(names.apex ? [{ key: "apex", name: names.domain }] : []),
  ];
  const addresses = hosts.flatMap(({ key, name }) =>
    (["A", "AAAA"] as const).map((type) => ({ key: `${key}-${type.toLowerCase()}`, name, type })),
  );
  const issuers = names.caa.length > 0 ? names.caa : [";"];
  const caa = issuers.map((value, index) => authorization(index === 0 ? "caa" : `caa-${value}`, names.domain, value));
  return [...addresses, ...caa, ...(names.services ?? []).flatMap((name, index) => serviceRecords(name, index, names))];
}

/** The comment by which our records are known from others'. */
export function ownerComment(domain: string): string {
  return `pulumi-intranet ${domain}`;
}

/** A record that exists, as far as a conflict goes. */
export interface PresentRecord {
  readonly name: string;
  readonly type: string;
  readonly content?: string;
  readonly comment?: string;
}

/**
 * Types that no address of ours may stand beside: an alias (Cloudflare's error 81054), a delegation, which gives the
 * name to other servers (RFC 1034, 4.2.1), and bindings, by which browsers go to other addresses than ours (RFC 9460,
 * 3).
 */
const LEADS_ELSEWHERE = ["CNAME", "NS", "HTTPS", "SVCB"];

/**
 * Records of somebody else that ours would meet: of the same name and type (Cloudflare's error 81053), or one that
 * leads elsewhere. CAA records of others go together with ours.
 */
export function conflictingRecords(
  planned: readonly PlannedRecord[],
  present: readonly PresentRecord[],
  domain: string,
): PresentRecord[] {
  return present.filter((record) => {
    if (record.comment === ownerComment(domain)) return false;
    const name = record.name.toLowerCase();
    return planned.some(
      (mine) =>
        mine.type !== "CAA" &&
        mine.name === name &&
        (record.type === mine.type || LEADS_ELSEWHERE.includes(record.type)),
    );
  });
}
