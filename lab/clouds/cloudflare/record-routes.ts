import type { FastifyInstance } from "fastify";
import type { Account } from "./account";
import { Draft } from "./draft";
import { choiceOf, page, PAGING, requireKnown, success, textFilters, textParameters, valueOf } from "./envelope";
import type { Query } from "./envelope";
import type { DnsRecord, Zone } from "./model";
import { presentRecord, type RecordBody } from "./records";

interface Params {
  Params: { zone: string; record: string };
}

type Test = (record: DnsRecord) => boolean;

const ORDER: Record<string, (record: DnsRecord) => string | number> = {
  type: (record) => record.type,
  name: (record) => record.name,
  content: (record) => record.content,
  ttl: (record) => record.ttl,
  proxied: (record) => Number(record.proxied),
};
const TAG_TESTS = ["", ".exact", ".contains", ".startswith", ".endswith", ".present", ".absent"];
/** The parameters of the list; there are more in the published API, about shadowed records, which are refused. */
const KNOWN = [
  ...["name", "content", "comment"].flatMap(textParameters),
  ...["comment.present", "comment.absent", "type", "proxied", "search", "match", "tag_match", "order", "direction"],
  ...TAG_TESTS.map((suffix) => `tag${suffix}`),
  ...PAGING,
];

/** Routes of `/zones/{id}/dns_records`. A change is answered once it is served. */
export function recordRoutes(app: FastifyInstance, account: Account): void {
  const path = "/zones/:zone/dns_records";
  app.get<Params>(path, ({ params, query }) => {
    const records = list(account.zone(params.zone), query as Query);
    return page(records, query as Query, { perPage: 100, max: 5_000_000 }, presentRecord);
  });
  app.get<Params>(`${path}/:record`, ({ params }) => {
    return success(presentRecord(new Draft(account.zone(params.zone)).find(params.record)));
  });
  app.post<Params>(path, async ({ params, body }) => {
    const record = await account.edit(params.zone, (draft) => draft.create(body as RecordBody));
    return success(presentRecord(record));
  });
  for (const method of ["PUT", "PATCH"] as const) {
    app.route<Params>({
      method,
      url: `${path}/:record`,
      handler: async ({ params, body }) => {
        const change = (draft: Draft): DnsRecord => draft.change(params.record, body as RecordBody, method === "PATCH");
        return success(presentRecord(await account.edit(params.zone, change)));
      },
    });
  }
  app.delete<Params>(`${path}/:record`, async ({ params }) => {
    const { id } = await account.edit(params.zone, (draft) => draft.remove(params.record));
    return success({ id });
  });
}

function list(zone: Zone, query: Query): DnsRecord[] {
  requireKnown(query, KNOWN);
  const tests = testsOf(query);
  const search = valueOf(query, "search")?.toLowerCase();
  const any = choiceOf(query, "match", ["any", "all"]) === "any" && tests.length > 0;
  const matching = zone.records.filter((record) => {
    const matches = any ? tests.some((test) => test(record)) : tests.every((test) => test(record));
    const text = `${record.name} ${record.content} ${record.type} ${record.comment ?? ""}`.toLowerCase();
    return matches && (search === undefined || text.includes(search));
  });
  return ordered(matching, query);
}

function testsOf(query: Query): Test[] {
  const type = valueOf(query, "type")?.toUpperCase();
  const proxied = choiceOf(query, "proxied", ["true", "false"]);
  const has = (name: string): boolean => query[name] !== undefined;
  return [
    ...textFilters<DnsRecord>(query, "name", (record) => record.name),
    ...textFilters<DnsRecord>(query, "content", (record) => record.content),
    ...textFilters<DnsRecord>(query, "comment", (record) => record.comment),
    ...(has("comment.present") ? [({ comment }: DnsRecord) => comment !== undefined] : []),
    ...(has("comment.absent") ? [({ comment }: DnsRecord) => comment === undefined] : []),
    ...(type === undefined ? [] : [(record: DnsRecord) => record.type === type]),
    ...(proxied === undefined ? [] : [(record: DnsRecord) => String(record.proxied) === proxied]),
    ...tagTests(query),
  ];
}

/** No record has a tag, as the account's plan allows none: only the absence of one is ever true. */
function tagTests(query: Query): Test[] {
  const asked = TAG_TESTS.filter((suffix) => query[`tag${suffix}`] !== undefined);
  const results = asked.map((suffix) => suffix === ".absent");
  const any = choiceOf(query, "tag_match", ["any", "all"]) === "any";
  return asked.length === 0 ? [] : [() => (any ? results.some(Boolean) : results.every(Boolean))];
}

function ordered(records: DnsRecord[], query: Query): DnsRecord[] {
  const sign = choiceOf(query, "direction", ["asc", "desc"]) === "desc" ? -1 : 1;
  const keyOf = ORDER[choiceOf(query, "order", Object.keys(ORDER)) ?? ""];
  if (!keyOf) return records;
  return [...records].sort((a, b) => (keyOf(a) === keyOf(b) ? 0 : keyOf(a) < keyOf(b) ? -sign : sign));
}
