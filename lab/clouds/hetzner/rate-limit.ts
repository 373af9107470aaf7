import type { FastifyReply } from "fastify";

/** Requests an hour, as published; one comes back each second. */
const LIMIT = 3600;

/** The token bucket behind the headers RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset. */
export class RateLimit {
  private remaining = LIMIT;
  private refilled: number;

  /** @param now the time in milliseconds; only tests give another clock */
  constructor(private readonly now: () => number = Date.now) {
    this.refilled = now();
  }

  /** Takes one request and sets the headers; false when none is left. */
  take(reply: Pick<FastifyReply, "header">): boolean {
    const seconds = Math.floor((this.now() - this.refilled) / 1000);
    this.refilled += seconds * 1000;
    this.remaining = Math.min(LIMIT, this.remaining + seconds);
    const allowed = this.remaining > 0;
    if (allowed) this.remaining--;
    // The time, in seconds since 1970, at which the bucket is full again.
    const reset = Math.ceil(this.refilled / 1000) + LIMIT - this.remaining;
    reply
      .header("RateLimit-Limit", LIMIT)
      .header("RateLimit-Remaining", this.remaining)
      .header("RateLimit-Reset", reset);
    return allowed;
  }
}
