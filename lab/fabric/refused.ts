/** The lab refuses what it was asked: nothing is broken, the request cannot be met. */
export class RefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RefusedError";
  }
}
