// A small Cloudflare in memory: one zone, its records and settings, with the envelope, codes and spelling of the API
// v4.
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** The only token that is accepted. */
export const goodToken = "T".repeat(40);

export const zoneId = "0123456789abcdef0123456789abcdef";

type Body = Record<string, unknown>;

export interface FakeCloudflare {
  readonly url: string;
  /** Every request as `METHOD path`. */
  readonly calls: string[];
  readonly records: Map<string, Body>;
  readonly settings: Map<string, Body>;
  close(): Promise<void>;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? {} : (JSON.parse(text) as Body);
}

/** As the API gives names and addresses back: full names, no trailing dot, IPv6 compressed. */
function normalised(body: Body): Body {
  const name = String(body.name).toLowerCase().replace(/\.$/, "");
  const full =
    name === "@" ? "intranet.example" : name.endsWith("intranet.example") ? name : `${name}.intranet.example`;
  const content =
    body.type === "AAAA" ? new URL(`http://[${String(body.content)}]`).hostname.slice(1, -1) : body.content;
  const data = body.data as Body | undefined;
  const made =
    body.type === "CAA" && data ? `${String(data.flags)} ${String(data.tag)} "${String(data.value)}"` : content;
  return { ...body, name: full, content: made, ttl: body.proxied ? 1 : body.ttl };
}

export async function fakeCloudflare(): Promise<FakeCloudflare> {
  const records = new Map<string, Body>();
  const settings = new Map<string, Body>([["ssl", { id: "ssl", value: "off", editable: true }]]);
  const calls: string[] = [];
  let serial = 0;

  const store = (id: string, body: Body, createdOn: string): Body => {
    const record = {
      id,
      settings: {},
      tags: [],
      comment: null,
      proxied: false,
      proxiable: true,
      meta: { source: "api" },
      ...normalised(body),
      created_on: createdOn,
      modified_on: `2026-01-01T00:00:${String(serial++).padStart(2, "0")}Z`,
    };
    records.set(id, record);
    return record;
  };
  const present = (id: string): Body => {
    const record = records.get(id);
    if (!record) throw new Refusal(404, 81044, "Record does not exist.");
    return record;
  };
  /** One record a page, so that a client has to ask for all pages. */
  const listed = (query: URLSearchParams): unknown => {
    const end = query.get("name.endswith") ?? "";
    const page = Number(query.get("page") ?? 1);
    return [...records.values()].filter((record) => String(record.name).endsWith(end)).slice(page - 1, page);
  };
  const onRecords = (method: string, id: string | undefined, body: Body, query: URLSearchParams): unknown => {
    if (id === undefined && method === "GET") return listed(query);
    if (id === undefined) {
      const wanted = normalised(body);
      const taken = [...records.values()].some(
        (one) => one.name === wanted.name && one.type === wanted.type && one.content === wanted.content,
      );
      if (taken) throw new Refusal(400, 81058, "An identical record already exists.");
      return store(`record${serial}`, body, "2026-01-01T00:00:00Z");
    }
    const record = present(id);
    if (method === "GET") return record;
    if (method === "PUT") return store(id, body, String(record.created_on));
    records.delete(id);
    return { id };
  };
  const route = (method: string, url: URL, body: Body): unknown => {
    const parts = url.pathname.split("/").filter(Boolean).slice(2);
    if (parts[0] === "ips") return { etag: "e1", ipv4_cidrs: ["192.0.2.0/24"], ipv6_cidrs: ["2001:db8::/32"] };
    const zone = {
      id: zoneId,
      name: "intranet.example",
      status: "active",
      name_servers: ["a.ns.example"],
      plan: { legacy_id: "free" },
      account: { id: "a1" },
    };
    if (parts.length === 1) {
      const page = Number(url.searchParams.get("page") ?? 1);
      return page === 1 && url.searchParams.get("name") === zone.name ? [zone] : [];
    }
    if (parts[1] !== zoneId) throw new Refusal(404, 7003, `Could not route to /zones/${parts[1]}`);
    if (parts.length === 2) return zone;
    if (parts[2] === "dns_records") return onRecords(method, parts[3], body, url.searchParams);
    const setting = settings.get(String(parts[3]));
    if (!setting) throw new Refusal(404, 1003, "Undefined zone setting");
    if (method === "PATCH") Object.assign(setting, body);
    return setting;
  };

  const server: Server = createServer((request, response) => {
    void (async () => {
      const url = new URL(String(request.url), "http://fake");
      calls.push(`${request.method} ${url.pathname.replace("/client/v4", "")}`);
      const body = await bodyOf(request);
      let status = 200;
      let envelope: Body;
      try {
        if (request.headers.authorization !== `Bearer ${goodToken}`)
          throw new Refusal(403, 10000, "Authentication error");
        const result = route(String(request.method), url, body);
        envelope = {
          success: true,
          errors: [],
          messages: [],
          result,
          ...(Array.isArray(result) ? { result_info: { page: 1 } } : {}),
        };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        status = error.status;
        envelope = {
          success: false,
          errors: [{ code: error.code, message: error.message }],
          messages: [],
          result: null,
        };
      }
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(envelope));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}/client/v4`, calls, records, settings, close };
}
