import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { bearerToken, isSameSecret } from "../bearer";
import { JsonSyntaxError, jsonApp } from "../json-app";
import { Account, type AccountOptions } from "./account";
import { bulkRoutes } from "./bulk-routes";
import { success } from "./envelope";
import { ApiError, noRoute } from "./errors";
import { recordRoutes } from "./record-routes";
import { settingRoutes } from "./settings";
import { zoneRoutes } from "./zone-routes";

/** Form of an API token. */
const TOKEN = /^[0-9A-Za-z_-]{40,80}$/;
/** Where the lab's edge will proxy from. */
const EDGE = { ipv4_cidrs: ["192.0.2.64/26"], ipv6_cidrs: ["2001:db8:cf::/48"] };

/** What the Cloudflare service is made from. */
export interface CloudflareOptions extends AccountOptions {
  /** The API token: 40 to 80 letters, digits, `_` or `-`. */
  token: string;
  /** Receives one line for each thing worth knowing; default: nothing. */
  log?: (line: string) => void;
}

/** The service: the application, and the account behind it. */
export interface Cloudflare {
  app: FastifyInstance;
  account: Account;
}

/**
 * The Cloudflare API v4 under `/client/v4`, as published, for one account: zones, DNS records, settings.
 * @throws Error when the token has another form, or the state file cannot be read
 */
export function cloudflare(options: CloudflareOptions): Cloudflare {
  if (!TOKEN.test(options.token)) {
    throw new Error("the token of the Cloudflare service must be 40 to 80 letters, digits, _ or -");
  }
  const account = new Account(options);
  const app = jsonApp({ log: (line) => options.log?.(`cloudflare ${line}`) });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw noRoute(request.url.split("?", 1)[0] as string);
  });
  void app.register(
    async (api) => {
      api.get("/ips", () => success({ ...EDGE, etag: "38f79d050aa027e3be3865e495dcc9bc" }));
      void api.register(async (guarded) => {
        guarded.addHook("onRequest", async (request) => authenticate(request, options.token));
        guarded.get("/user/tokens/verify", () =>
          success({ id: "ed17574386854bf78a67040be0a770b0", status: "active" }, [
            { code: 10000, message: "This API Token is valid and active", type: null },
          ]),
        );
        zoneRoutes(guarded, account);
        recordRoutes(guarded, account);
        bulkRoutes(guarded, account);
        settingRoutes(guarded, account);
      });
    },
    { prefix: "/client/v4" },
  );
  return { app, account };
}

function authenticate(request: FastifyRequest, token: string): void {
  const header = request.headers.authorization;
  const given = bearerToken(header);
  if (given === undefined) {
    const chain = { code: 6111, message: "Invalid format for Authorization header" };
    throw new ApiError(400, 6003, "Invalid request headers", chain);
  }
  if (isSameSecret(given, token)) return;
  if (request.url.endsWith("/user/tokens/verify")) throw new ApiError(401, 1000, "Invalid API Token");
  throw new ApiError(403, 10000, "Authentication error");
}

function answerError(error: FastifyError | Error, _request: FastifyRequest, reply: FastifyReply): void {
  const answer = asApiError(error);
  void reply.code(answer.status).send(answer.body());
}

function asApiError(error: FastifyError | Error): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof JsonSyntaxError) return new ApiError(400, 9207, `Request body is invalid: ${error.message}`);
  return new ApiError(500, 10013, `The service failed: ${error.message}`);
}
