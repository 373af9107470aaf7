/** One entry of `errors` in the envelope. */
export interface ErrorEntry {
  code: number;
  message: string;
  error_chain?: { code: number; message: string }[];
}

/** An error that a client gets in the envelope `{success: false, errors: [{code, message}]}`. */
export class ApiError extends Error {
  constructor(
    /** HTTP status. */
    readonly status: number,
    /** Cloudflare's number of the error. */
    readonly code: number,
    message: string,
    /** The more exact reason, where the API gives one. */
    readonly reason?: { code: number; message: string },
  ) {
    super(message);
  }

  /** Body of the response. */
  body(): object {
    const entry: ErrorEntry = { code: this.code, message: this.message };
    if (this.reason) entry.error_chain = [this.reason];
    return { success: false, errors: [entry], messages: [], result: null };
  }
}

/** Number of a broken rule that no document gives a number of its own. */
export const GENERAL = 1004;

/**
 * The record breaks a rule of its type. The number of the rule stands at the top, as today (9005: no IPv4 address in an
 * A record); it was once in a chain below 1004.
 */
export function validationError(message: string, code: number): ApiError {
  return new ApiError(400, code, message);
}

/** No such path, or an identifier that is none: 7003. */
export function noRoute(path: string): ApiError {
  const message = `Could not route to ${path}, perhaps your object identifier is invalid?`;
  return new ApiError(404, 7003, message);
}
