import type { AgentAnswer } from "../connection/exchange";

/**
 * Why a role could not be brought to its state. The message says where, what, the command and its words, and what is
 * left.
 */
export class RoleError extends Error {
  constructor(
    message: string,
    /** Whether the host is as it was before. */
    readonly restored: boolean,
  ) {
    super(message);
    this.name = "RoleError";
  }
}

/** The agent's refusal as an error. */
export function failureOf(host: string, role: string, answer: AgentAnswer): RoleError {
  const lines = [`role ${role} on ${host}: ${String(answer.message)}`];
  if (Array.isArray(answer.command)) lines.push(`  command: ${(answer.command as string[]).join(" ")}`);
  if (typeof answer.code === "number") lines.push(`  exit code: ${answer.code}`);
  if (typeof answer.output === "string" && answer.output !== "")
    lines.push("  output:", ...answer.output.split("\n").map((line) => `    ${line}`));
  const restored = answer.rolledBack === true;
  const left = Array.isArray(answer.leftovers) ? (answer.leftovers as string[]) : [];
  if (restored) lines.push("The host was left as it was before.");
  else if (left.length > 0) lines.push("The host was put back except for:", ...left.map((item) => `    ${item}`));
  else lines.push("The host could not be put back now; it does so at the next contact or at its next boot.");
  return new RoleError(lines.join("\n"), restored);
}

/**
 * An error after the host has changed: with it the engine records the resource as half made (ErrorResourceInitFailed).
 */
export class HalfMadeError extends Error {
  constructor(
    readonly id: string,
    readonly properties: object,
    readonly reasons: string[],
  ) {
    super(reasons.join("\n"));
    this.name = "HalfMadeError";
  }
}
