import { type Connection, connectionKey, displayName } from "../connection/arguments";
import type { HostClient } from "../connection/client";
import { ConnectionError } from "../connection/errors";
import { type AgentAnswer, exchange } from "../connection/exchange";
import { ConnectionPool } from "../connection/pool";
import { RoleError, failureOf } from "./failure";
import { type Change, type Conversation, Gathering, type Wish, goesWithOthers, isRemoval, together } from "./wish";

/** How long a lost connection is tried again to learn how the transaction ended. */
const LOOK_AGAIN_SECONDS = 60;
/**
 * A host that could not be reached is not tried again for its other roles within this time, when it is only looked at.
 */
const KNOWN_DOWN_MS = 60_000;
/** How long it is tried at a stretch; then it is seen whether the way there is still to be relied on. */
const ASK_SECONDS = 15;
/** Margin for the answer to a confirmation. */
const CONFIRM_MARGIN_SECONDS = 3;

/** Pause before a host that undoes a change is asked again. */
const AGAIN_MS = 1000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

/** What tells one host from another, whoever connects and however, and whatever key it shows. */
const placeOf = (connection: Connection): string => `${connection.address} ${connection.port}`;

/**
 * How many roles of a host are changed in one exchange: fewer than the outcomes that the host remembers (KEPT_OUTCOMES
 * in store.py).
 */
const MOST_TOGETHER = 16;

/** How an exchange for several changes went: what is known of each, and why there is no more. */
interface Carried {
  changes: Change[];
  answers: (AgentAnswer | undefined)[];
  lost?: ConnectionError;
}

/** One host after the other for every role: requests to one host are queued, so nobody waits for its lock in vain. */
export class Conversations {
  private readonly queues = new Map<string, Promise<unknown>>();
  private readonly installed = new Map<string, string[]>();
  /** Questions about roles, and changes of roles, that are not on their way yet. */
  private readonly readings = new Gathering<Wish>();
  private readonly changes = new Gathering<Change>(MOST_TOGETHER);
  private readonly down = new Map<string, { error: ConnectionError; until: number }>();
  /**
   * Hosts whose change awaits its confirmation, by address: nobody can rely on the way through them until it is over.
   */
  private readonly unsettled = new Map<string, Promise<unknown>>();

  constructor(private readonly pool = new ConnectionPool()) {}

  /** A question that changes nothing. */
  ask(talk: Conversation, request: object): Promise<AgentAnswer> {
    return this.inquire(talk, (client) => exchange(client, talk.connection, request, talk));
  }

  /**
   * What is on the host of one role. All that are asked for until the host is ready to answer go there in one exchange.
   */
  read(talk: Conversation, request: object): Promise<AgentAnswer> {
    return new Promise((resolve, reject) => {
      const take = this.readings.join(connectionKey(talk.connection), { talk, request, resolve, reject });
      if (take === undefined) return;
      this.inquire(talk, async (client) => {
        const all = take();
        const requests = all.map((one) => one.request);
        const answer = await exchange(client, talk.connection, { action: "read", requests }, talk);
        const answers = answer.ok ? (answer.answers as AgentAnswer[]) : [];
        for (const [index, one] of all.entries()) one.resolve(answers[index] ?? answer);
      }).catch((error: Error) => {
        for (const one of take()) one.reject(error);
      });
    });
  }

  private inquire<T>(talk: Conversation, work: (client: HostClient) => Promise<T>): Promise<T> {
    const key = connectionKey(talk.connection);
    return this.queued(talk.connection, async () => {
      const known = this.down.get(key);
      if (known !== undefined && Date.now() < known.until) throw known.error;
      try {
        return await this.throughJumps(talk, () => this.pool.use(talk.connection, talk.patience, work));
      } catch (error) {
        if (error instanceof ConnectionError) this.down.set(key, { error, until: Date.now() + KNOWN_DOWN_MS });
        throw error;
      }
    });
  }

  /**
   * A transaction. When the connection is lost on the way, looks again how it ended; when it has to be confirmed, does
   * so over a new connection. Those that need no confirmation go to the host in one exchange, as reads do: one after
   * the other, each by itself all or nothing.
   *
   * @throws RoleError when the host refused or undid it; ConnectionError when it never got there.
   */
  transact(talk: Conversation, request: object, tx: string): Promise<AgentAnswer> {
    return new Promise((resolve, reject) => {
      const change = { talk, request, tx, resolve, reject };
      const { seconds, firstBoot } = talk.patience;
      const key = `${connectionKey(talk.connection)} ${seconds} ${firstBoot}`;
      const take = goesWithOthers(change) ? this.changes.join(key, change) : () => [change];
      if (take === undefined) return;
      this.queued(talk.connection, () => this.make(talk, take)).catch((error: Error) => {
        for (const one of take()) one.reject(error);
      });
    });
  }

  /** Carries changes to their host and answers those who wait for them. */
  private async make(talk: Conversation, take: () => Change[]): Promise<void> {
    const { changes, answers, lost } = await this.carry(talk, take);
    for (const [of, change] of changes.entries())
      await Promise.resolve(
        answers[of] ?? this.lookAgain(change, lost!, isRemoval(change.request) || changes.length > 1 ? 3 : 1),
      )
        .then((answer) => this.conclude(change, answer))
        .then(change.resolve, change.reject);
  }

  /** What the host's answer to a change means for whoever wished for it. */
  private async conclude({ talk, request, tx }: Change, answer: AgentAnswer): Promise<AgentAnswer> {
    if (answer.ok && answer.state === "awaiting") {
      const confirmed = await this.settle(
        talk.connection,
        this.confirm(talk, tx, Number(answer.seconds), isRemoval(request)),
      );
      if (talk.before) this.installed.set(placeOf(talk.connection), talk.connection.hostKeys);
      return confirmed;
    }
    if (!answer.ok) {
      await this.outcome(talk, tx, 10).catch(() => undefined);
      throw failureOf(displayName(talk.connection), talk.role, answer);
    }
    return answer;
  }

  /**
   * The connection with the pins that its hosts have by now, where this process has changed them: what a state knows
   * can be older.
   */
  current(connection: Connection): Connection {
    const via = connection.via && this.current(connection.via);
    const hostKeys = this.installed.get(placeOf(connection)) ?? connection.hostKeys;
    return { ...connection, hostKeys, ...(via ? { via } : {}) };
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async queued<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
    const key = placeOf(connection);
    const before = this.queues.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.queues.set(
      key,
      mine.catch(() => undefined),
    );
    return mine;
  }

  /** Keeps those who go through a host waiting until its change is confirmed or undone. */
  private async settle<T>(connection: Connection, confirmation: Promise<T>): Promise<T> {
    const key = placeOf(connection);
    this.unsettled.set(key, confirmation);
    try {
      return await confirmation;
    } finally {
      this.unsettled.delete(key);
    }
  }

  /** The confirmations that jump hosts of a connection await now. */
  private jumpsOf({ via }: Connection): Promise<unknown>[] {
    if (via === undefined) return [];
    const here = this.unsettled.get(placeOf(via));
    return [...(here === undefined ? [] : [here]), ...this.jumpsOf(via)];
  }

  /** Does `work` when no jump host awaits a confirmation; again if it failed while one did, and `again` still holds. */
  private async throughJumps<T>(talk: Conversation, work: () => Promise<T>, again = () => true): Promise<T> {
    for (;;) {
      await Promise.allSettled(this.jumpsOf(talk.connection));
      try {
        return await work();
      } catch (error) {
        const cut = error instanceof ConnectionError && error.temporary && this.jumpsOf(talk.connection).length > 0;
        if (!cut || !again()) throw error;
        this.pool.discard(wayOf(talk));
        talk.say("the host on the way there awaits the confirmation of a change of its own; waiting for its end");
      }
    }
  }

  /**
   * One exchange for all changes that `take` gives once the host is ready. Throws when nothing was sent, or when trying
   * again is useless.
   */
  private async carry(talk: Conversation, take: () => Change[]): Promise<Carried> {
    let changes: Change[] = [];
    const answers: (AgentAnswer | undefined)[] = [];
    try {
      const attempt = () =>
        this.pool.use(wayOf(talk), talk.patience, (client) => {
          changes = take();
          return exchange(client, talk.connection, together(changes), {
            say: (text, of = 0) => changes[of]?.talk.say(text),
            answered: (answer, of) => {
              answers[of] = answer;
              if (answer.ok) changes[of]?.resolve(answer); // who waits for it need not wait for the others
            },
          });
        });
      const last = await this.throughJumps(talk, attempt, () => changes.length === 0);
      if (changes.length === 1) return { changes, answers: [last] };
      return { changes, answers, lost: new ConnectionError("closed", String(last.message ?? "no answer")) };
    } catch (error) {
      if (changes.length === 0 || !(error instanceof ConnectionError) || !error.temporary) throw error;
      this.pool.discard(wayOf(talk));
      talk.say(`${error.message}; looking again how the change ended`);
      return { changes, answers, lost: error };
    }
  }

  /**
   * After a lost connection: the host knows whether the transaction was made, undone or never begun; then it is sent
   * anew while `tries` are left.
   */
  private async lookAgain(change: Change, lost: ConnectionError, tries: number): Promise<AgentAnswer> {
    const { talk, tx } = change;
    const host = displayName(talk.connection);
    let past: AgentAnswer;
    try {
      past = await this.outcome(talk, tx, LOOK_AGAIN_SECONDS);
      if (!past.ok) throw new Error(String(past.message));
    } catch (error) {
      throw new RoleError(
        `role ${talk.role} on ${host}: ${lost.message} during the change, and could not be reached again ` +
          `(${(error as Error).message}). The host finishes or undoes it by itself; run \`pulumi up --refresh\` to go on`,
        false,
      );
    }
    if (past.state === "awaiting") return past;
    if (past.state === "committed") return (past.result as AgentAnswer | undefined) ?? past;
    // Never begun, or all of it is gone, records too: asking again does what is still to be done.
    if (past.state === "unknown" && tries > 1) {
      const again = await this.carry(talk, () => [change]);
      return again.answers[0] ?? this.lookAgain(change, again.lost!, tries - 1);
    }
    const reason =
      past.state === "rolled-back" ? `the host undid the change: ${String(past.reason)}` : "the change was never begun";
    throw new RoleError(
      `role ${talk.role} on ${host}: ${lost.message}; ${reason}. The host was left as it was before.`,
      true,
    );
  }

  /**
   * Asks how a transaction ended, with a connection of which nothing was lost, again and again until it is known.
   * `refused`: the host may still refuse the operator's key or show another one of its own, for it is about to undo
   * what made it.
   */
  private async outcome(talk: Conversation, tx: string, seconds: number, refused = false): Promise<AgentAnswer> {
    let end = Date.now() + seconds * 1000;
    for (;;) {
      const jumps = this.jumpsOf(talk.connection);
      if (jumps.length > 0) {
        await Promise.allSettled(jumps);
        end = Date.now() + seconds * 1000;
      }
      const left = Math.max(0, (end - Date.now()) / 1000);
      try {
        return await this.pool.use(wayOf(talk), { seconds: Math.min(left, ASK_SECONDS) }, (client) =>
          exchange(client, talk.connection, { action: "outcome", tx }, talk),
        );
      } catch (error) {
        this.pool.discard(wayOf(talk));
        const passing =
          error instanceof ConnectionError && (error.temporary || (refused && error.failure !== "arguments"));
        if (!passing || Date.now() > end) throw error;
        if (!error.temporary) await pause(AGAIN_MS);
      }
    }
  }

  /** Only a connection that was made after the change proves that the way in is open. */
  private async confirm(talk: Conversation, tx: string, seconds: number, removes: boolean): Promise<AgentAnswer> {
    const host = displayName(talk.connection);
    const end = Date.now() + seconds * 1000;
    const onWait = (reason: string) =>
      talk.say(`role ${talk.role} was applied, but the way in is shut: ${reason}; the host undoes it then`);
    let failure: Error;
    try {
      const client = await this.pool.fresh(talk.connection, { seconds: seconds - CONFIRM_MARGIN_SECONDS, onWait });
      try {
        const answer = await exchange(client, talk.connection, { action: "confirm", tx }, talk);
        if (answer.ok) return answer;
        failure = new Error(String(answer.message));
      } finally {
        client.close();
      }
    } catch (error) {
      failure = error as Error;
    }
    this.pool.discard(wayOf(talk));
    await pause(end - Date.now() + AGAIN_MS);
    const past = await this.outcome(talk, tx, LOOK_AGAIN_SECONDS, true).catch(() => undefined);
    const lines = [
      `role ${talk.role} on ${host}: the change was applied, but no new connection got in within ${seconds} s: ${failure.message}.`,
    ];
    if (past?.state === "committed") return past.result as AgentAnswer;
    // With the last role the host's records go as well; one that was undone would still be in them.
    if (past?.state === "unknown" && removes) return { ok: true, state: "committed" };
    if (past?.state === "rolled-back") {
      const left = Array.isArray(past.leftovers) ? (past.leftovers as string[]) : [];
      lines.push(
        left.length === 0
          ? "The host undid it by itself and answers as before."
          : `The host undid it except for: ${left.join("; ")}`,
      );
      throw new RoleError(lines.join("\n"), left.length === 0);
    }
    lines.push("The host undoes it by itself, at the latest when it boots; it could not be asked yet whether it has.");
    throw new RoleError(lines.join("\n"), false);
  }
}

/** The way to the host for all but a confirmation. */
function wayOf(talk: Conversation): Connection {
  return talk.before ?? talk.connection;
}
