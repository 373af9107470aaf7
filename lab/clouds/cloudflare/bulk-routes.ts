import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Account } from "./account";
import type { Draft } from "./draft";
import { success } from "./envelope";
import { ApiError, GENERAL } from "./errors";
import type { DnsRecord, Zone } from "./model";
import { isSameRecord, presentRecord, readRecord, type RecordBody } from "./records";
import { exportZone, parseZoneFile } from "./zone-file";

/** Changes in one batch, as the Free plan allows them. */
const BATCH_LIMIT = 200;

interface Params {
  Params: { zone: string };
}

type Item = RecordBody & { id?: unknown };
type Batch = Partial<Record<"deletes" | "patches" | "puts" | "posts", Item[]>>;

/** Routes of many records at once: `/zones/{id}/dns_records/batch`, `/export` and `/import`. */
export function bulkRoutes(app: FastifyInstance, account: Account): void {
  const path = "/zones/:zone/dns_records";
  app.addContentTypeParser("multipart/form-data", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.post<Params>(`${path}/batch`, async ({ params, body }) =>
    success(await account.edit(params.zone, (draft) => runBatch(draft, body as Batch))),
  );
  app.get<Params>(`${path}/export`, ({ params }, reply) => {
    void reply.type("text/plain; charset=utf-8");
    return exportZone(account.zone(params.zone));
  });
  app.post<Params>(`${path}/import`, async (request) => {
    const { file, proxied } = await formOf(request);
    const zone = account.zone(request.params.zone);
    const bodies = parseZoneFile(file, zone.name).map((body) => (proxied ? { ...body, proxied } : body));
    const added = await account.edit(zone.id, (draft) => addMissing(draft, zone, bodies));
    return success({ recs_added: added, total_records_parsed: bodies.length });
  });
}

/** Deletes, patches, puts and posts in this order, all or none. */
function runBatch(draft: Draft, { deletes = [], patches = [], puts = [], posts = [] }: Batch): object {
  for (const list of [deletes, patches, puts, posts]) {
    const valid = Array.isArray(list) && list.every((item) => typeof item === "object" && item !== null);
    if (!valid) throw new ApiError(400, GENERAL, "deletes, patches, puts and posts must be lists of objects");
  }
  const count = deletes.length + patches.length + puts.length + posts.length;
  if (count > BATCH_LIMIT) throw new ApiError(400, GENERAL, `A batch may have ${BATCH_LIMIT} changes, not ${count}.`);
  const all = (items: Item[], run: (item: Item, id: string) => DnsRecord): object[] =>
    items.map((item) => presentRecord(run(item, String(item.id))));
  return {
    deletes: all(deletes, (_item, id) => draft.remove(id)),
    patches: all(patches, (item, id) => draft.change(id, item, true)),
    puts: all(puts, (item, id) => draft.change(id, item, false)),
    posts: all(posts, (item) => draft.create(item)),
  };
}

/** Adds the records that the zone does not have yet, and counts them. */
function addMissing(draft: Draft, zone: Zone, bodies: RecordBody[]): number {
  const missing = bodies.filter((body) => {
    const record = readRecord(zone, body);
    return !zone.records.some((entry) => isSameRecord(entry, record));
  });
  for (const body of missing) draft.create(body);
  return missing.length;
}

async function formOf(request: FastifyRequest): Promise<{ file: string; proxied: boolean }> {
  const headers = { "content-type": request.headers["content-type"] ?? "" };
  const body = Buffer.isBuffer(request.body) ? request.body : "";
  const form = await new Response(body, { headers }).formData().catch(() => undefined);
  const file = form?.get("file");
  if (!form || !file) throw new ApiError(400, GENERAL, "The form must have a zone file in its field 'file'.");
  return { file: typeof file === "string" ? file : await file.text(), proxied: form.get("proxied") === "true" };
}
