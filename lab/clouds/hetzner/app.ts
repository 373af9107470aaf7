import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { bearerToken, isSameSecret } from "../bearer";
import { JsonSyntaxError, jsonApp, refusedFields } from "../json-app";
import { absentRoutes } from "./absent-routes";
import { actionRoutes } from "./action-routes";
import { catalogRoutes } from "./catalog-routes";
import { ApiError } from "./errors";
import { defineFirewallJobs, firewallRoutes } from "./firewalls";
import { definePrimaryIpJobs, primaryIpActionRoutes, primaryIpRoutes } from "./primary-ips";
import { Project, type ProjectOptions } from "./project";
import { RateLimit } from "./rate-limit";
import { serverActionRoutes } from "./server-actions";
import { defineServerJobs } from "./server-jobs";
import { serverRoutes } from "./servers";
import { sshKeyRoutes } from "./ssh-keys";

/** Length of an API token, as the official provider checks it too. */
const TOKEN_LENGTH = 64;

/** What the Hetzner Cloud service is made from. */
export interface HetznerOptions extends ProjectOptions {
  /** The project's API token: exactly 64 characters. */
  token: string;
}

/** The service: the application, and the project behind it. */
export interface Hetzner {
  app: FastifyInstance;
  project: Project;
}

/**
 * The Hetzner Cloud API v1 under `/v1`, as published, for one project. What ran when it was stopped goes on once
 * `project.actions.resume` is called.
 * @throws Error when the token has not 64 characters, or the state file cannot be read
 */
export function hetzner(options: HetznerOptions): Hetzner {
  if (options.token.length !== TOKEN_LENGTH) {
    throw new Error(`the token of the Hetzner service has ${options.token.length} characters, not ${TOKEN_LENGTH}`);
  }
  const project = new Project(options);
  defineServerJobs(project);
  definePrimaryIpJobs(project);
  defineFirewallJobs(project);
  const app = jsonApp({ log: (line) => options.log?.(`hetzner ${line}`) });
  const limit = new RateLimit();
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new ApiError("not_found", "no such path in this API");
  });
  void app.register(
    async (api) => {
      api.addHook("onRequest", async (request, reply) => {
        authenticate(request, options.token);
        if (!limit.take(reply)) throw new ApiError("rate_limit_exceeded", "limit of 3600 requests per hour reached");
      });
      serverRoutes(api, project);
      serverActionRoutes(api, project);
      sshKeyRoutes(api, project);
      primaryIpRoutes(api, project);
      primaryIpActionRoutes(api, project);
      firewallRoutes(api, project);
      catalogRoutes(api);
      actionRoutes(api, project);
      absentRoutes(api);
    },
    { prefix: "/v1" },
  );
  return { app, project };
}

function authenticate(request: FastifyRequest, token: string): void {
  const given = bearerToken(request.headers.authorization);
  if (given === undefined || !isSameSecret(given, token)) {
    throw new ApiError("unauthorized", "unable to authenticate");
  }
}

function answerError(error: FastifyError | Error, _request: FastifyRequest, reply: FastifyReply): void {
  const answer = asApiError(error);
  void reply.code(answer.status).send(answer.body());
}

function asApiError(error: FastifyError | Error): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof JsonSyntaxError) return new ApiError("json_error", error.message);
  if ("validation" in error && error.validation) {
    const fields = refusedFields(error);
    const names = fields.map((field) => `'${field.name}'`).join(", ");
    return new ApiError("invalid_input", `invalid input in field ${names}`, { fields });
  }
  const status = "statusCode" in error ? error.statusCode : undefined;
  if (status === 413) return new ApiError("payload_too_large", "the body is too large");
  return new ApiError("server_error", `the service failed: ${error.message}`);
}
