/** What is asked of a host, and what of it goes there together. */
import type { Connection } from "../connection/arguments";
import type { AgentAnswer } from "../connection/exchange";
import type { Patience } from "../connection/pool";

/**
 * One exchange with the agent on a host: the way there, for which role, how long to wait, and where to say what
 * happens.
 */
export interface Conversation {
  connection: Connection;
  /**
   * The same way for all but the confirmation: the host may still show the key that the one in `connection` replaces.
   */
  before?: Connection;
  role: string;
  patience: Patience;
  say: (text: string) => void;
}

/** Something that is asked of a host, and who waits for the answer. */
export interface Wish {
  talk: Conversation;
  request: object;
  resolve: (answer: AgentAnswer) => void;
  reject: (error: Error) => void;
}

/** A transaction that is wished for. */
export interface Change extends Wish {
  tx: string;
}

/** Whether a change takes something away. */
export function isRemoval(request: object): boolean {
  return (request as { action?: string }).action === "remove";
}

/** Whether a change may share its exchange: one that awaits a confirmation has the host for itself until then. */
export function goesWithOthers({ talk, request }: Change): boolean {
  const { action, confirm } = request as { action?: string; confirm?: number };
  return action === "apply" && confirm === 0 && talk.before === undefined;
}

/** The request of one change, or that of several. */
export function together(changes: Change[]): object {
  if (changes.length === 1) return changes[0]!.request;
  return { action: "applyEach", requests: changes.map(({ request }) => request) };
}

/** Wishes that wait for the same host: all that come until it is ready to take them. */
export class Gathering<T extends Wish> {
  private readonly waiting = new Map<string, T[]>();

  /** `most`: how many go together at the most. */
  constructor(private readonly most = Number.POSITIVE_INFINITY) {}

  /**
   * Joins those that wait under `key`. Who is the first of them gets what closes the group and returns it; the others
   * need do nothing.
   */
  join(key: string, wish: T): (() => T[]) | undefined {
    const there = this.waiting.get(key);
    if (there !== undefined && there.length < this.most) return void there.push(wish);
    const group = [wish];
    this.waiting.set(key, group);
    return () => {
      if (this.waiting.get(key) === group) this.waiting.delete(key);
      return group;
    };
  }
}
