// cloudflare:index/dnsRecord:DnsRecord, with the inputs and outputs of @pulumi/cloudflare 6.22.
import type { RecordCreateParams, RecordResponse, RecordUpdateParams } from "cloudflare/resources/dns/records";
import type { CheckFailure } from "@pulumi/pulumi/provider";
import { failure, type ResourceType } from "../common/plugin";
import { isUnknown, type Properties, withoutAbsent } from "../common/values";
import { attempt, find } from "./client";
import { renameKeys, toCamel, toSnake } from "./names";
import { sameInput } from "./normal-form";

/** What a program may set. */
const inputKeys = [
  "comment",
  "content",
  "data",
  "includeShadowMetadata",
  "name",
  "priority",
  "privateRouting",
  "proxied",
  "settings",
  "tags",
  "ttl",
  "type",
  "zoneId",
] as const;

/** Inputs that Cloudflare cannot change on an existing record. */
const fixedKeys: readonly string[] = ["type", "zoneId"];

/** Types that are described by `data`; their `content` is made by Cloudflare. */
const dataTypes = new Set([
  "CAA",
  "CERT",
  "DNSKEY",
  "DS",
  "HTTPS",
  "LOC",
  "NAPTR",
  "SMIMEA",
  "SRV",
  "SSHFP",
  "SVCB",
  "TLSA",
  "URI",
]);

function check(inputs: Properties): { failures: CheckFailure[] } {
  const failures = ["name", "ttl", "type", "zoneId"]
    .filter((key) => inputs[key] === undefined)
    .map((key) => failure(key, `"${key}" is required`));
  const { ttl, type, proxied } = inputs;
  if (ttl !== undefined && !isUnknown(ttl)) {
    const seconds = Number(ttl);
    if (seconds !== 1 && !(seconds >= 30 && seconds <= 86400)) {
      failures.push(
        failure(
          "ttl",
          `"ttl" is ${String(ttl)}; it must be 1 (automatic) or between 60 and 86400 seconds (30 on Enterprise zones)`,
        ),
      );
    } else if (proxied === true && seconds !== 1) {
      failures.push(
        failure(
          "ttl",
          `"ttl" is ${seconds} on a proxied record; Cloudflare answers for it, so it must be 1 (automatic)`,
        ),
      );
    }
  }
  if ((type === "MX" || type === "URI") && inputs.priority === undefined) {
    failures.push(failure("priority", `"priority" is required for a record of type ${type}`));
  }
  if (typeof type === "string" && !isUnknown(type)) failures.push(...checkContent(type, inputs));
  return { failures };
}

function checkContent(type: string, inputs: Properties): CheckFailure[] {
  if (inputs.content !== undefined && inputs.data !== undefined) {
    return [failure("data", '"content" and "data" say the same in two ways; give one of them')];
  }
  if (inputs.content === undefined && inputs.data === undefined) {
    const key = dataTypes.has(type) ? "data" : "content";
    return [failure(key, `a record of type ${type} needs "${key}"`)];
  }
  return [];
}

/** The zone's name, when the record's name is not already spelled as Cloudflare has it. */
const zoneNames = new Map<string, Promise<string | undefined>>();
function zoneName(zoneId: string): Promise<string | undefined> {
  const known = zoneNames.get(zoneId);
  if (known) return known;
  const asked = find(`reading the zone ${zoneId}`, (api) => api.zones.get({ zone_id: zoneId })).then(
    (zone) => zone?.name,
  );
  zoneNames.set(zoneId, asked);
  asked.catch(() => zoneNames.delete(zoneId));
  return asked;
}

/**
 * The outputs for a live record: an input that still means the same keeps its own spelling, everything else is as
 * Cloudflare has it.
 */
async function outputsOf(record: RecordResponse, zoneId: string, spelled: Properties): Promise<Properties> {
  const { id: _id, meta, ...rest } = record as RecordResponse & Properties;
  const live = renameKeys(rest, toCamel) as Properties;
  live.zoneId = zoneId;
  if (meta !== undefined && meta !== null) live.meta = JSON.stringify(meta);
  live.proxied ??= false;
  live.tags ??= [];
  const zone = spelled.name !== undefined && !sameInput("name", live, spelled) ? await zoneName(zoneId) : undefined;
  for (const key of inputKeys) {
    if (spelled[key] !== undefined && sameInput(key, live, spelled, zone)) live[key] = spelled[key];
  }
  if (live.comment === undefined && spelled.comment === "") live.comment = "";
  return withoutAbsent(live);
}

/** The request's body: what is set, in the API's spelling; a comment or tags that are no longer set are emptied. */
function bodyOf(inputs: Properties): Properties {
  const { zoneId: _zone, includeShadowMetadata: _shadow, ...wanted } = inputs;
  return { comment: "", tags: [], proxied: false, ...(renameKeys(wanted, toSnake) as Properties) };
}

function describe(inputs: Properties): string {
  return `DNS record ${String(inputs.type)} ${String(inputs.name)}`;
}

/** One DNS record. Importing takes `<zone id>/<record id>`. */
export const dnsRecord: ResourceType = {
  check,
  diff(outputs, inputs) {
    const changed = inputKeys.filter((key) => !sameInput(key, outputs, inputs));
    const replaces = changed.filter((key) => fixedKeys.includes(key));
    return { changes: changed.length > 0, replaces };
  },
  async create(inputs) {
    const zoneId = String(inputs.zoneId);
    const params = { ...bodyOf(inputs), zone_id: zoneId } as unknown as RecordCreateParams;
    const record = await attempt(`creating ${describe(inputs)}`, (api) => api.dns.records.create(params));
    return { id: record.id, outputs: await outputsOf(record, zoneId, inputs) };
  },
  async read(id, outputs) {
    const [first, second] = id.split("/");
    const [zoneId, recordId] = second === undefined ? [outputs.zoneId, first] : [first, second];
    if (typeof zoneId !== "string" || !recordId) {
      throw new Error(`"${id}" does not name a record: import one as <zone id>/<record id>`);
    }
    const record = await find(`reading DNS record ${recordId}`, (api) =>
      api.dns.records.get(recordId, { zone_id: zoneId }),
    );
    if (!record) return undefined;
    const live = await outputsOf(record, zoneId, outputs);
    if (outputs.type !== undefined) return { id: record.id, outputs: live };
    const keys = inputKeys.filter((key) => !(key === "content" && live.data !== undefined));
    const inputs = Object.fromEntries(keys.map((key) => [key, live[key]]));
    return { id: record.id, outputs: live, inputs };
  },
  async update(id, outputs, inputs) {
    const zoneId = String(outputs.zoneId);
    const params = { ...bodyOf(inputs), zone_id: zoneId } as unknown as RecordUpdateParams;
    const record = await attempt(`updating ${describe(inputs)}`, (api) => api.dns.records.update(id, params));
    return outputsOf(record, zoneId, inputs);
  },
  async delete(id, outputs) {
    await find(`deleting ${describe(outputs)}`, (api) =>
      api.dns.records.delete(id, { zone_id: String(outputs.zoneId) }),
    );
  },
};
