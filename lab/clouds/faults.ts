/** Faults of the clouds, as tests order them: what a real cloud does on a bad day. Never part of the published APIs. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** The clouds that can have faults. */
export const CLOUDS = ["hetzner", "cloudflare"] as const;
/** A cloud's name. */
export type CloudName = (typeof CLOUDS)[number];

/**
 * What can happen to a request before the cloud has seen it; `lost` lets it happen, and closes the connection instead
 * of answering.
 */
export const REQUEST_FAULTS = [
  "rate-limit",
  "locked",
  "conflict",
  "resource-unavailable",
  "500",
  "502",
  "503",
  "504",
  "hang",
  "reset",
  "lost",
] as const;
/** What can happen to an action in the background, of a command such as `start_server`: it fails, or never ends. */
export const ACTION_FAULTS = ["failed", "stuck"] as const;

/** One fault. */
export interface Fault {
  cloud: CloudName;
  kind: (typeof REQUEST_FAULTS)[number] | (typeof ACTION_FAULTS)[number];
  /** HTTP method of the requests that it meets; absent: all. */
  method?: string;
  /** Path of them without the query, or how it begins with `*` at the end; of an action: its command. Absent: all. */
  path?: string;
  /** How many it meets; absent: 1, or with `seconds` any number. */
  times?: number;
  /** How long it lasts from now on; absent: until it has met them all. */
  seconds?: number;
}

/** A fault that is in force, or was, and how many requests or actions it has met. */
export interface FaultRecord extends Fault {
  met: number;
}

const HETZNER: Partial<Record<Fault["kind"], { status: number; code: string; message: string }>> = {
  "rate-limit": { status: 429, code: "rate_limit_exceeded", message: "limit of 3600 requests per hour reached" },
  locked: { status: 423, code: "locked", message: "server is locked by a running action" },
  conflict: { status: 409, code: "conflict", message: "the resource was changed meanwhile" },
  "resource-unavailable": { status: 412, code: "resource_unavailable", message: "no such server is to be had now" },
  "500": { status: 500, code: "server_error", message: "an internal error has occurred" },
};
const CLOUDFLARE: Partial<Record<Fault["kind"], { status: number; code: number; message: string }>> = {
  "rate-limit": { status: 429, code: 10013, message: "Please wait and consider throttling your request speed" },
  conflict: { status: 409, code: 10014, message: "The resource was changed meanwhile" },
  "500": { status: 500, code: 10013, message: "An internal error has occurred" },
};

/** The faults of a lab's clouds. */
export class Faults {
  private readonly faults: { record: FaultRecord; until: number }[] = [];
  private stuck: (() => void)[] = [];

  /** Puts a fault in force. */
  add(fault: Fault): void {
    const until = fault.seconds === undefined ? Infinity : Date.now() + fault.seconds * 1000;
    this.faults.push({ record: { ...fault, met: 0 }, until });
  }

  /** Every fault since the last `clear`, and what it has met. */
  list(): FaultRecord[] {
    return this.faults.map(({ record }) => record);
  }

  /** No faults any more; what was stuck goes on. */
  clear(): void {
    this.faults.length = 0;
    for (const resume of this.stuck.splice(0)) resume();
  }

  /** Serves one request: by `route`, unless a fault meets it. */
  serve(cloud: CloudName, request: IncomingMessage, response: ServerResponse, route: () => void): void {
    const path = (request.url ?? "").split("?", 1)[0]!;
    const kind = this.meet(
      (fault) =>
        fault.cloud === cloud &&
        !(ACTION_FAULTS as readonly string[]).includes(fault.kind) &&
        (fault.method === undefined || fault.method === request.method) &&
        fits(path, fault.path),
    );
    if (kind === undefined) return route();
    if (kind === "lost") {
      // The request is worked on as ever, and nobody hears how it ended.
      response.end = (() => request.socket.destroy() && response) as unknown as typeof response.end;
      return route();
    }
    request.resume();
    if (kind === "hang") return;
    if (kind === "reset") return void request.socket.resetAndDestroy();
    answer(cloud, kind, response);
  }

  /** Before an action's work. @throws Error when it is to fail */
  async action(command: string): Promise<void> {
    const kind = this.meet(
      (fault) => (ACTION_FAULTS as readonly string[]).includes(fault.kind) && fits(command, fault.path),
    );
    if (kind === "failed") throw new Error("the host that it was on has failed");
    if (kind === "stuck") await new Promise<void>((resolve) => this.stuck.push(resolve));
  }

  private meet(test: (fault: Fault) => boolean): Fault["kind"] | undefined {
    const found = this.faults.find(({ record, until }) => {
      const most = record.times ?? (record.seconds === undefined ? 1 : Infinity);
      return record.met < most && Date.now() < until && test(record);
    });
    if (found === undefined) return undefined;
    found.record.met += 1;
    return found.record.kind;
  }
}

function fits(text: string, pattern: string | undefined): boolean {
  if (pattern === undefined) return true;
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

/**
 * Answers with an error in the cloud's own form; a gateway's (502 to 504) is a page, as from the proxies in front of
 * both.
 */
function answer(cloud: CloudName, kind: Fault["kind"], response: ServerResponse): void {
  const send = (status: number, type: string, body: string): void => {
    if (status === 429) {
      const reset = Math.ceil(Date.now() / 1000) + 1;
      response.setHeader("RateLimit-Limit", 3600).setHeader("RateLimit-Remaining", 0);
      response.setHeader("RateLimit-Reset", reset).setHeader("Retry-After", 1);
    }
    response.writeHead(status, { "Content-Type": type }).end(body);
  };
  const json = "application/json";
  if (cloud === "hetzner" && HETZNER[kind]) {
    const { status, ...error } = HETZNER[kind];
    return send(status, json, JSON.stringify({ error: { ...error, details: null } }));
  }
  if (cloud === "cloudflare" && CLOUDFLARE[kind]) {
    const { status, ...error } = CLOUDFLARE[kind];
    return send(status, json, JSON.stringify({ success: false, errors: [error], messages: [], result: null }));
  }
  const status = Number(kind) || 503;
  send(status, "text/html", `<html><body><h1>${status}</h1></body></html>\n`);
}
