import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from "fastify";

/** Thrown by the JSON parser; each API answers it in its own form. */
export class JsonSyntaxError extends Error {}

/** A fastify instance as both APIs need it. */
export interface JsonAppOptions {
  /** Receives one line for each request: never a header, a query or a body, for those may hold secrets. */
  log: (line: string) => void;
  /** Largest body in bytes. */
  bodyLimit?: number;
}

/**
 * Makes a fastify instance that takes an empty body as `{}`, checks bodies against their schema without changing
 * them (no coercion: the published APIs refuse `"1"` for 1), and logs each request.
 */
export function jsonApp(options: JsonAppOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: options.bodyLimit ?? 1024 * 1024,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allErrors: true,
        allowUnionTypes: true,
      },
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, body === "" ? {} : JSON.parse(body as string));
    } catch {
      done(new JsonSyntaxError("the body is not valid JSON"));
    }
  });
  // A request without any body reaches the handlers as {} too.
  app.addHook("preValidation", async (request) => {
    if (request.method !== "GET" && request.body === undefined) request.body = {};
  });
  app.addHook("onResponse", async (request, reply) => {
    const milliseconds = Math.round(reply.elapsedTime);
    options.log(`${request.method} ${pathOf(request)} ${reply.statusCode} ${milliseconds} ms`);
  });
  return app;
}

/** Fields that a body schema refused, with the reasons, in dotted form. */
export function refusedFields(error: FastifyError): { name: string; messages: string[] }[] {
  const fields = new Map<string, string[]>();
  for (const { instancePath, message, params } of error.validation ?? []) {
    const missing = (params as { missingProperty?: string }).missingProperty;
    const path = [...instancePath.split("/").slice(1), ...(missing ? [missing] : [])].join(".");
    const reason = missing ? "is required" : (message ?? "is invalid");
    fields.set(path, [...(fields.get(path) ?? []), reason]);
  }
  return [...fields].map(([name, messages]) => ({ name, messages }));
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] as string;
}
