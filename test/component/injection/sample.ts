/** What a sample of a component's arguments consists of. */

/**
 * A component, its arguments by the name of their type, and those among them that are maps with the user's own keys.
 */
export interface Sample {
  /** The exported type of the arguments. */
  readonly type: string;
  /** Arguments without a mistake, every field given. */
  readonly args: () => object;
  /** More of them, with what cannot be given beside the others. */
  readonly instead?: readonly (() => object)[];
  readonly make: (args: never) => unknown;
  /** Written places of maps, lists as `[]`. */
  readonly maps?: readonly string[];
}
