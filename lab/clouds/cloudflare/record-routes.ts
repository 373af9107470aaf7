import type { FastifyInstance } from "fastify";
import type { Account } from "./account";
import { page, success, textFilters, valueOf, type Query } from "./envelope";
import { ApiError, noRoute, validationError } from "./errors";
import type { DnsRecord, Zone } from "./model";
import { checkConflicts, presentRecord, readRecord, type RecordBody } from "./records";

interface Params {
  Params: { zone: string; record: string };
}

const ORDER: Record<string, (record: DnsRecord) => string | number> = {
  type: (record) => record.type,
  name: (record) => record.name,
  content: (record) => record.content,
  ttl: (record) => record.ttl,
  proxied: (record) => Number(record.proxied),
};

/** Routes of `/zones/{id}/dns_records`. A change is answered once it is served. */
export function recordRoutes(app: FastifyInstance, account: Account): void {
  const path = "/zones/:zone/dns_records";
  app.get<Params>(path, ({ params, query }) => {
    const records = list(account.zone(params.zone), query as Query);
    return page(records, query as Query, { perPage: 100, max: 5_000_000 }, presentRecord);
  });
  app.get<Params>(`${path}/:record`, ({ params }) => {
    return success(presentRecord(find(account.zone(params.zone), params.record)));
  });
  app.post<Params>(path, async ({ params, body }) => {
    const zone = account.zone(params.zone);
    return success(presentRecord(await put(account, zone, readRecord(zone, body as RecordBody))));
  });
  for (const method of ["PUT", "PATCH"] as const) {
    app.route<Params>({
      method,
      url: `${path}/:record`,
      handler: async ({ params, body }) => {
        const zone = account.zone(params.zone);
        const earlier = find(zone, params.record);
        const record = readRecord(zone, body as RecordBody, earlier, method === "PATCH");
        return success(presentRecord(await put(account, zone, record, earlier)));
      },
    });
  }
  app.delete<Params>(`${path}/:record`, async ({ params }) => {
    const zone = account.zone(params.zone);
    const record = find(zone, params.record);
    await account.change(zone, record, undefined);
    return success({ id: record.id });
  });
}

async function put(account: Account, zone: Zone, record: DnsRecord, earlier?: DnsRecord): Promise<DnsRecord> {
  checkConflicts(zone, record);
  if (record.type === "CNAME" && record.name === zone.name && !record.content.endsWith(`.${zone.name}`)) {
    throw validationError(`A CNAME at the apex can only lead to a name inside ${zone.name} here.`, 9003);
  }
  await account.change(zone, earlier, record);
  return record;
}

function find(zone: Zone, id: string): DnsRecord {
  if (!/^[0-9a-f]{32}$/.test(id)) throw noRoute(`/client/v4/zones/${zone.id}/dns_records/${id}`);
  const record = zone.records.find((entry) => entry.id === id);
  if (!record) throw new ApiError(404, 81044, "Record does not exist.");
  return record;
}

function list(zone: Zone, query: Query): DnsRecord[] {
  const type = valueOf(query, "type")?.toUpperCase();
  const proxied = valueOf(query, "proxied");
  const tests: ((record: DnsRecord) => boolean)[] = [
    ...textFilters<DnsRecord>(query, "name", (record) => record.name),
    ...textFilters<DnsRecord>(query, "content", (record) => record.content),
    ...textFilters<DnsRecord>(query, "comment", (record) => record.comment),
    ...(type === undefined ? [] : [(record: DnsRecord) => record.type === type]),
    ...(proxied === undefined ? [] : [(record: DnsRecord) => String(record.proxied) === proxied]),
  ];
  const search = valueOf(query, "search")?.toLowerCase();
  const any = valueOf(query, "match") === "any" && tests.length > 0;
  const matching = zone.records.filter((record) => {
    const matches = any ? tests.some((test) => test(record)) : tests.every((test) => test(record));
    return (
      matches &&
      (search === undefined || `${record.name} ${record.content} ${record.type}`.toLowerCase().includes(search))
    );
  });
  return ordered(matching, query);
}

function ordered(records: DnsRecord[], query: Query): DnsRecord[] {
  const order = valueOf(query, "order");
  if (order === undefined) return records;
  const keyOf = ORDER[order];
  if (!keyOf) throw new ApiError(400, 1004, `order must be one of ${Object.keys(ORDER).join(", ")}`);
  const sign = valueOf(query, "direction") === "desc" ? -1 : 1;
  return [...records].sort((a, b) => (keyOf(a) === keyOf(b) ? 0 : keyOf(a) < keyOf(b) ? -sign : sign));
}
