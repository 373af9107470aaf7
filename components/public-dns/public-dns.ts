import * as cloudflare from "@pulumi/cloudflare";
import * as pulumi from "@pulumi/pulumi";
import { addressRule, known } from "../common/input";
import type { PublicDnsArgs } from "./args";
import { checkPublicDns } from "./check";
import { conflictingRecords, ownerComment, planRecords, type PlannedRecord } from "./render";

/**
 * Lets every name of the domain lead to the sinkhole, by a wildcard over both families, but for services of their own
 * address, and says who may issue certificates: for a service's name one authority, for any other nobody. Not proxied:
 * Cloudflare sees the questions, never the traffic. Only records that it made are touched.
 */
export class PublicDns extends pulumi.ComponentResource {
  /** The names that it publishes. */
  public readonly names: string[];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: PublicDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    checkPublicDns(`public DNS "${name}"`, args);
    super("intranet:public-dns:PublicDns", name, {}, opts);
    const planned = planRecords({
      ...{ domain: args.domain, apex: args.apex ?? true, caa: args.caa ?? [] },
      services: (args.services ?? []).map((service) => service.name),
      ...(args.issuer === undefined ? {} : { issuer: args.issuer }),
    });
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
   * The zone's id, once it is certain that no record of somebody else stands where ours will: an error in the preview
   * already, that names each of them. Cloudflare's own checks (81053, 81054, 81058) would come only at the update, and
   * do not see all of it.
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
    const content = contentOf(record, args);
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

/** An address record's content; CAA records have data instead. */
function contentOf({ type, service }: PlannedRecord, args: PublicDnsArgs): { content?: pulumi.Output<string> } {
  if (type === "CAA") return {};
  if (type === "A") return { content: known(args.ipv4, "ipv4", addressRule(4)) };
  if (service === undefined) return { content: known(args.ipv6, "ipv6", addressRule(6)) };
  return { content: known(args.services![service]!.ipv6, `services[${service}].ipv6`, addressRule(6)) };
}
