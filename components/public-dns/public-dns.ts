import * as cloudflare from "@pulumi/cloudflare";
import * as pulumi from "@pulumi/pulumi";
import { checkDomain, isDomain, isWithinDomain, Issues, show } from "../../model";
import { addressRule, checkInput, known } from "../common/input";
import type { PublicDnsArgs } from "./args";
import { conflictingRecords, ownerComment, planRecords, type PlannedRecord } from "./render";

/**
 * Lets every name of the domain lead to the sinkhole, by a wildcard over both families, and says who may issue certificates. Not
 * proxied: Cloudflare sees the questions, never the traffic. Only records that it made are touched.
 */
export class PublicDns extends pulumi.ComponentResource {
  /** The names that it publishes. */
  public readonly names: string[];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: PublicDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    checkPublicDns(`public DNS "${name}"`, args);
    super("intranet:public-dns:PublicDns", name, {}, opts);
    const planned = planRecords({ domain: args.domain, apex: args.apex ?? true, caa: args.caa ?? [] });
    const zone = cloudflare.getZoneOutput({ filter: { name: args.zone } }, { parent: this });
    const zoneId = this.withoutConflicts(
      zone.apply((found) => found.zoneId ?? found.id),
      planned,
      args,
    );
    for (const record of planned) this.record(name, record, zoneId, args);
    this.names = [...new Set(planned.map((record) => record.name))];
    this.registerOutputs({ names: this.names });
  }

  /**
   * The zone's id, once it is certain that no record of somebody else stands where ours will: an error in the preview already, that
   * names each of them. Cloudflare's own checks (81053, 81054, 81058) would come only at the update, and do not see all of it.
   */
  private withoutConflicts(
    zoneId: pulumi.Output<string>,
    planned: PlannedRecord[],
    args: PublicDnsArgs,
  ): pulumi.Output<string> {
    const filter = { zoneId, name: { endswith: args.domain } };
    const present = cloudflare.getDnsRecordsOutput(filter, { parent: this });
    return pulumi.all([zoneId, present]).apply(([id, { results }]) => {
      const conflicts = conflictingRecords(planned, results, args.domain);
      if (conflicts.length === 0) return id;
      const records = conflicts.map((record) => `${record.name} ${record.type} ${record.content ?? ""}`.trim());
      throw new pulumi.RunError(
        `domain: records of somebody else stand where the sinkhole's names must go (${records.join("; ")})\n` +
          `    → delete them at Cloudflare, or choose a subdomain for the intranet, for example intranet.${args.zone}`,
      );
    });
  }

  /** A record's resource is named by name and type, so a change of type makes another one; the old one goes first. */
  private record(name: string, record: PlannedRecord, zoneId: pulumi.Input<string>, args: PublicDnsArgs): void {
    const content =
      record.type === "A"
        ? { content: known(args.ipv4, "ipv4", addressRule(4)) }
        : record.type === "AAAA"
          ? { content: known(args.ipv6, "ipv6", addressRule(6)) }
          : {};
    new cloudflare.DnsRecord(
      `${name}-${record.key}`,
      {
        zoneId,
        name: record.name,
        type: record.type,
        ttl: args.ttl ?? 300,
        comment: ownerComment(args.domain),
        ...content,
        ...(record.data ? { data: { ...record.data } } : { proxied: false }),
      },
      { parent: this, deleteBeforeReplace: true },
    );
  }
}

function checkPublicDns(subject: string, args: PublicDnsArgs): void {
  const issues = new Issues();
  checkDomain(args.zone, "zone", issues);
  checkDomain(args.domain, "domain", issues);
  if (isDomain(args.zone) && isDomain(args.domain) && !isWithinDomain(args.domain, args.zone)) {
    issues.add(
      "domain",
      "the domain must be the zone or lie below it",
      [show(args.domain), `zone ${show(args.zone)}`],
      "give the zone that Cloudflare holds for the domain",
    );
  }
  checkInput(args.ipv4, "ipv4", addressRule(4), issues);
  checkInput(args.ipv6, "ipv6", addressRule(6), issues);
  (args.caa ?? []).forEach((issuer, index) => checkDomain(issuer, `caa[${index}]`, issues));
  const ttl = args.ttl ?? 300;
  if (!Number.isInteger(ttl) || ttl < 60 || ttl > 86400) {
    issues.add("ttl", "must be from 60 to 86400 seconds", [show(ttl)], "leave it out");
  }
  issues.throwIfAny(subject);
}
