// Errors that are meant for the person at the terminal: what happened, and the way out.

/** An expected failure: printed as its message alone, without a stack. */
export class Failure extends Error {
  /**
   * @param {string} message what went wrong and what helps
   * @param {number} [exitCode] sysexits(3) style; 1 when absent
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}
