// The provider's functions: looking up a zone, its records, and Cloudflare's own address ranges.
import type { RecordListParams } from "cloudflare/resources/dns/records";
import type { ZoneListParams } from "cloudflare/resources/zones/zones";
import { isObject, type Properties } from "../common/values";
import { attempt } from "./client";
import { renameKeys, toCamel, toSnake } from "./names";

/**
 * getZone: by `zoneId`, or by a `filter` (name, status, account …) that must match exactly one zone.
 * Throws when neither is given, when no zone matches and when several do.
 */
export async function getZone(args: Properties): Promise<Properties> {
  const zoneId = typeof args.zoneId === "string" ? args.zoneId : await findZone(args.filter);
  const zone = await attempt(`reading the zone ${zoneId}`, (api) => api.zones.get({ zone_id: zoneId }));
  return { ...(renameKeys(zone, toCamel) as Properties), zoneId, ...(args.filter ? { filter: args.filter } : {}) };
}

async function findZone(filter: unknown): Promise<string> {
  if (!isObject(filter)) throw new Error('getZone needs "zoneId" or a "filter" such as {name: "example.net"}');
  const { types, account, ...rest } = filter;
  const flat = isObject(account) ? Object.entries(account).map(([key, value]) => [`account.${key}`, value]) : [];
  const query = {
    ...(renameKeys(rest, toSnake) as Properties),
    ...Object.fromEntries(flat),
    ...(types ? { type: types } : {}),
  };
  const shown = JSON.stringify(filter);
  const page = await attempt(`looking for the zone ${shown}`, (api) => api.zones.list(query as ZoneListParams));
  const [zone, second] = page.result;
  if (!zone)
    throw new Error(
      `no zone matches ${shown}: is it in the account that CLOUDFLARE_API_TOKEN belongs to, and may the token read it?`,
    );
  if (second)
    throw new Error(
      `${page.result.length} zones match ${shown}: narrow the filter until one is left, or give "zoneId"`,
    );
  return zone.id;
}

/** getIpRanges: the prefixes from which Cloudflare's edge connects; `networks: "jdcloud"` adds that network's. */
export async function getIpRanges(args: Properties): Promise<Properties> {
  const networks = typeof args.networks === "string" ? args.networks : undefined;
  const ranges = await attempt("reading Cloudflare's address ranges", (api) =>
    api.ips.list(networks ? { networks } : {}),
  );
  const named = renameKeys(ranges, toCamel) as Properties;
  return { etag: "", ipv4Cidrs: [], ipv6Cidrs: [], jdcloudCidrs: [], ...named, networks };
}

/** As many records as the official provider returns when `maxItems` does not say otherwise. */
const defaultMaxItems = 1000;

/**
 * getDnsRecords: the records of a zone, all pages, narrowed by the API's own filters (name, type, content, comment …).
 */
export async function getDnsRecords(args: Properties): Promise<Properties> {
  const { zoneId, maxItems, ...filters } = args;
  if (typeof zoneId !== "string") throw new Error('getDnsRecords needs "zoneId"');
  const query = { ...(renameKeys(filters, toSnake) as Properties), zone_id: zoneId } as unknown as RecordListParams;
  const most = typeof maxItems === "number" ? maxItems : defaultMaxItems;
  const results: unknown[] = [];
  await attempt(`listing the records of the zone ${zoneId}`, async (api) => {
    for await (const record of api.dns.records.list(query)) {
      if (results.length >= most) break;
      results.push(renameKeys(record, toCamel));
    }
  });
  return { ...args, results };
}
