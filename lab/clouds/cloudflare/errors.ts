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

/** The record breaks a rule of its type: 1004, with the exact reason in the message and in the chain. */
export function validationError(message: string, code = 9005): ApiError {
  return new ApiError(400, 1004, `DNS Validation Error: ${message}`, { code, message });
}

/** No such path, or an identifier that is none: 7003. */
export function noRoute(path: string): ApiError {
  const message = `Could not route to ${path}, perhaps your object identifier is invalid?`;
  return new ApiError(404, 7003, message);
}
