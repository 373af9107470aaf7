/** Error codes of the API that occur here, with their HTTP status. */
const STATUS = {
  json_error: 400,
  unauthorized: 401,
  protected: 403,
  resource_limit_exceeded: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  uniqueness_error: 409,
  deprecated_api_endpoint: 410,
  payload_too_large: 413,
  invalid_input: 422,
  resource_in_use: 422,
  must_be_unassigned: 422,
  unsupported_error: 422,
  invalid_server_type: 422,
  server_not_stopped: 422,
  placement_error: 422,
  primary_ip_assigned: 422,
  primary_ip_already_assigned: 422,
  primary_ip_datacenter_mismatch: 422,
  primary_ip_version_mismatch: 422,
  server_has_ipv4: 422,
  server_has_ipv6: 422,
  firewall_already_applied: 422,
  firewall_resource_not_found: 422,
  firewall_managed_by_label_selector: 422,
  locked: 423,
  rate_limit_exceeded: 429,
  server_error: 500,
} as const;

/** A code of the published API. */
export type ErrorCode = keyof typeof STATUS;

/** What `details` of an error holds, when it holds something. */
export interface ErrorDetails {
  fields?: { name: string; messages?: string[] }[];
  /** Where the end of a removed part of the API was announced. */
  announcement?: string;
}

/** An error that a client gets as `{"error": {code, message, details}}`. */
export class ApiError extends Error {
  /** HTTP status that belongs to the code. */
  readonly status: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details?: ErrorDetails,
  ) {
    super(message);
    this.status = STATUS[code];
  }

  /** Body of the response. */
  body(): object {
    return { error: { code: this.code, message: this.message, details: this.details ?? null } };
  }
}

/** A field of the request breaks a rule: `invalid_input` with `details.fields`. */
export function invalidField(name: string, message: string): ApiError {
  return new ApiError("invalid_input", `invalid input in field '${name}': ${message}`, {
    fields: [{ name, messages: [message] }],
  });
}

/** Another resource has that value already: `uniqueness_error` with `details.fields`. */
export function notUnique(field: string, what: string): ApiError {
  return new ApiError("uniqueness_error", `${what} is already used`, { fields: [{ name: field }] });
}

/** Nothing has that id: `not_found`. */
export function notFound(what: string, id: number | string): ApiError {
  return new ApiError("not_found", `${what} with ID '${id}' not found`);
}
