/** What the test and the provider's process say to each other. */

/** A request: what the engine would ask of the provider, or that it dies at once. */
export interface Asked {
  op: "apply" | "delete" | "read" | "die";
  /** The resource's id; `apply` without one creates. */
  id?: string;
  /** RoleInputs. */
  role?: object;
}

/** The answer: the id of the resource, if it is there; or the error. */
export interface Answered {
  id?: string;
  error?: string;
}
