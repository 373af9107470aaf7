// The official client, set up from the environment variables that the official provider reads, and its errors in words.
import Cloudflare, { APIConnectionError, APIError } from "cloudflare";
import { keepSecret } from "../common/redact";

/** What a token of Cloudflare's may look like: 40 to 80 characters. */
const tokenShape = /^[0-9A-Za-z_-]{40,80}$/;

let client: Cloudflare | undefined;

/**
 * The client, made once. Token from CLOUDFLARE_API_TOKEN, address from CLOUDFLARE_BASE_URL (Cloudflare's own when
 * absent). The token becomes a standing secret of the redactor. Throws when there is no token or it cannot be one.
 */
export function cloudflare(): Cloudflare {
  if (client) return client;
  const apiToken = process.env.CLOUDFLARE_API_TOKEN ?? "";
  keepSecret(apiToken);
  if (apiToken === "") {
    throw new Error(
      "CLOUDFLARE_API_TOKEN is not set: this stand-in takes the token from there and not from the provider's arguments",
    );
  }
  if (!tokenShape.test(apiToken)) {
    throw new Error(
      `CLOUDFLARE_API_TOKEN cannot be a token: it has ${apiToken.length} characters, a token has 40 to 80 of 0-9, A-Z, a-z, - and _`,
    );
  }
  client = new Cloudflare({ apiToken, baseURL: process.env.CLOUDFLARE_BASE_URL || undefined, logLevel: "off" });
  return client;
}

/** Forgets the client, so that the next call reads the environment again. */
export function forgetClient(): void {
  client = undefined;
}

/**
 * Runs one call; an error says what was tried, what Cloudflare answered (status, codes, messages) and what helps.
 */
export async function attempt<T>(what: string, call: (api: Cloudflare) => PromiseLike<T>): Promise<T> {
  const api = cloudflare();
  try {
    return await call(api);
  } catch (error) {
    if (error instanceof APIConnectionError) {
      const cause = error.cause instanceof Error ? `: ${innermost(error.cause).message}` : "";
      throw new Error(`${what}: ${api.baseURL} could not be reached${cause}; is CLOUDFLARE_BASE_URL right?`, {
        cause: error,
      });
    }
    if (error instanceof APIError) throw new Error(`${what}: ${answer(error)}${advice(error)}`, { cause: error });
    throw error;
  }
}

/** As {@link attempt}, but undefined when what is asked for does not exist (404, or code 81044: no such record). */
export async function find<T>(what: string, call: (api: Cloudflare) => PromiseLike<T>): Promise<T | undefined> {
  try {
    return await attempt(what, call);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof APIError && (cause.status === 404 || codes(cause).includes(81044))) return undefined;
    throw error;
  }
}

function details(error: APIError): { code?: number; message?: string }[] {
  const body = error.error as { errors?: unknown } | undefined;
  const list = Array.isArray(error.errors) ? error.errors : body?.errors;
  return Array.isArray(list) ? (list as { code?: number; message?: string }[]) : [];
}

function codes(error: APIError): (number | undefined)[] {
  return details(error).map(({ code }) => code);
}

function answer(error: APIError): string {
  const said = details(error).map(({ code, message }) => `${message ?? "no message"} (code ${code ?? "none"})`);
  return `Cloudflare answered ${error.status ?? "nothing"}${said.length > 0 ? `: ${said.join("; ")}` : ""}`;
}

function advice(error: APIError): string {
  const known = codes(error);
  if (error.status === 401 || error.status === 403 || known.includes(10000) || known.includes(6003)) {
    return ". Check CLOUDFLARE_API_TOKEN: it must be a live token that may read the zone and edit its DNS records and settings";
  }
  if (known.some((code) => code === 81053 || code === 81054 || code === 81057 || code === 81058)) {
    return ". A record of that name exists already: remove it, choose another name, or take it over with `pulumi import`";
  }
  if (known.includes(7003)) return ". Check zoneId: there is no such zone for this token";
  return "";
}

function innermost(error: Error): Error {
  return error.cause instanceof Error ? innermost(error.cause) : error;
}
