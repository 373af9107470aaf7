/** The records of a domain that leads to its sinkhole. Pure. */

/** A record as Cloudflare takes it; `content` for addresses, `data` for CAA. */
export interface PlannedRecord {
  /** Distinguishes it from the component's other records, for the resource's name. */
  readonly key: string;
  /** Fully qualified, lower case, without the trailing dot. */
  readonly name: string;
  readonly type: "A" | "AAAA" | "CAA";
  /** For CAA (RFC 8659, section 4). */
  readonly data?: { readonly flags: number; readonly tag: string; readonly value: string };
}

/** What the records depend on. */
export interface PublicNames {
  readonly domain: string;
  readonly apex: boolean;
  /** Issuers; empty: nobody. */
  readonly caa: readonly string[];
}

/** Wildcard and apex for both families, and who may issue certificates. No internal name is ever published. */
export function planRecords(names: PublicNames): PlannedRecord[] {
  const hosts = [
    { key: "wildcard", name: `*.${names.domain}` },
    ...(names.apex ? [{ key: "apex", name: names.domain }] : []),
  ];
  const addresses = hosts.flatMap(({ key, name }) =>
    (["A", "AAAA"] as const).map((type) => ({ key: `${key}-${type.toLowerCase()}`, name, type })),
  );
  const issuers = names.caa.length > 0 ? names.caa : [";"];
  const caa = issuers.map((value, index) => ({
    key: index === 0 ? "caa" : `caa-${value}`,
    name: names.domain,
    type: "CAA" as const,
    data: { flags: 0, tag: "issue", value },
  }));
  return [...addresses, ...caa];
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
 * Records of somebody else that ours would meet: of the same name and type, or a CNAME of that name (Cloudflare's errors 81053 and
 * 81054). CAA records of others go together with ours.
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
      (mine) => mine.type !== "CAA" && mine.name === name && (record.type === mine.type || record.type === "CNAME"),
    );
  });
}
