/** Problems in what somebody wrote, collected so that all of them are shown at once. */

/** One problem of a description: where it is, which rule it breaks, with which values, and what to do. */
export interface Issue {
  /** The argument's full path, for example `sites.home.lan[0]`. */
  readonly path: string;
  /** The rule that does not hold, as a sentence without a full stop. */
  readonly rule: string;
  /** The values that break it; for a collision both, each with the path where it stands when that is another one. */
  readonly values: readonly string[];
  /** The way out, as a sentence without a full stop. */
  readonly help: string;
}

/** Writes one problem as text of two lines: path with rule and values, then the way out. */
export function formatIssue(issue: Issue): string {
  const values = issue.values.length > 0 ? ` (${issue.values.join(" and ")})` : "";
  return `${issue.path}: ${issue.rule}${values}\n    → ${issue.help}`;
}

/** The quoted, shortened form of a value of any type for a message; never throws. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/**
 * A description that cannot be made real. Raised before anything is touched, with every problem that was found;
 * its message prints them all.
 */
export class ValidationError extends Error {
  /** What is wrong, in the order in which it was found; never empty. */
  readonly issues: readonly Issue[];

  /**
   * @param subject what was checked, for example `intranet "home"`
   * @param issues at least one problem
   */
  constructor(subject: string, issues: readonly Issue[]) {
    const count = issues.length === 1 ? "1 problem" : `${issues.length} problems`;
    super(
      `${subject}: ${count}, nothing was changed\n${issues.map((issue) => `  - ${formatIssue(issue)}`).join("\n")}`,
    );
    this.name = "ValidationError";
    this.issues = issues;
    // The engine prints an error with this mark by its message alone, without a stack that helps nobody here.
    Object.defineProperty(this, "__pulumiRunError", { value: true });
  }
}

/** Collects problems while a description is read; `throwIfAny` ends the reading. */
export class Issues {
  private readonly found: Issue[] = [];

  /** Notes a problem; see {@link Issue} for the parts. */
  add(path: string, rule: string, values: readonly string[], help: string): void {
    this.found.push({ path, rule, values, help });
  }

  /** How many problems have been noted. */
  get count(): number {
    return this.found.length;
  }

  /** What has been noted so far. */
  list(): readonly Issue[] {
    return [...this.found];
  }

  /** Raises a {@link ValidationError} with everything that was noted; returns when there was nothing. */
  throwIfAny(subject: string): void {
    if (this.found.length > 0) throw new ValidationError(subject, this.found);
  }
}
