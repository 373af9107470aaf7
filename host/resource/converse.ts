import { type Connection, connectionKey, displayName } from "../connection/arguments";
import type { HostClient } from "../connection/client";
import { ConnectionError } from "../connection/errors";
import { type AgentAnswer, exchange } from "../connection/exchange";
import { ConnectionPool, type Patience } from "../connection/pool";
import { RoleError, failureOf } from "./failure";

/** How long a lost connection is tried again to learn how the transaction ended. */
const LOOK_AGAIN_SECONDS = 60;
/** A host that could not be reached is not tried again for its other roles within this time, when it is only looked at. */
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

/** One exchange with the agent on a host: the way there, for which role, how long to wait, and where to say what happens. */
export interface Conversation {
  connection: Connection;
  /** The same way for all but the confirmation: the host may still show the key that the one in `connection` replaces. */
  before?: Connection;
  role: string;
  patience: Patience;
  say: (text: string) => void;
}

interface Reading {
  request: object;
  resolve: (answer: AgentAnswer) => void;
  reject: (error: Error) => void;
}

/** One host after the other for every role: requests to one host are queued, so nobody waits for its lock in vain. */
export class Conversations {
  private readonly queues = new Map<string, Promise<unknown>>();
  private readonly installed = new Map<string, string[]>();
  /** Questions about roles that are not on their way yet, by connection. */
  private readonly readings = new Map<string, Reading[]>();
  private readonly down = new Map<string, { error: ConnectionError; until: number }>();
  /** Hosts whose change awaits its confirmation, by address: nobody can rely on the way through them until it is over. */
  private readonly unsettled = new Map<string, Promise<unknown>>();

  constructor(private readonly pool = new ConnectionPool()) {}

  /** A question that changes nothing. */
  ask(talk: Conversation, request: object): Promise<AgentAnswer> {
    return this.inquire(talk, (client) => exchange(client, talk.connection, request, talk.say));
  }

  /** What is on the host of one role. All that are asked for until the host is ready to answer go there in one exchange. */
  read(talk: Conversation, request: object): Promise<AgentAnswer> {
    const key = connectionKey(talk.connection);
    return new Promise((resolve, reject) => {
      const reading = { request, resolve, reject };
      const waiting = this.readings.get(key);
      if (waiting !== undefined) return void waiting.push(reading);
      const all = [reading];
      this.readings.set(key, all);
      const taken = () => {
        if (this.readings.get(key) === all) this.readings.delete(key);
      };
      this.inquire(talk, async (client) => {
        taken();
        const requests = all.map((one) => one.request);
        const answer = await exchange(client, talk.connection, { action: "read", requests }, talk.say);
        const answers = answer.ok ? (answer.answers as AgentAnswer[]) : [];
        for (const [index, one] of all.entries()) one.resolve(answers[index] ?? answer);
      }).catch((error: Error) => {
        taken();
        for (const one of all) one.reject(error);
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
   * A transaction. When the connection is lost on the way, looks again how it ended; when it has to be confirmed, does so
   * over a new connection.
   *
   * @throws RoleError when the host refused or undid it; ConnectionError when it never got there.
   */
  transact(talk: Conversation, request: object, tx: string): Promise<AgentAnswer> {
    return this.queued(talk.connection, async () => {
      const answer = await this.send(talk, request, tx);
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
    });
  }

  /** The connection with the pins that its hosts have by now, where this process has changed them: what a state knows can be older. */
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

  private async send(talk: Conversation, request: object, tx: string, tries = 3): Promise<AgentAnswer> {
    let sent = false;
    try {
      const attempt = () =>
        this.pool.use(wayOf(talk), talk.patience, (client) => {
          sent = true;
          return exchange(client, talk.connection, request, talk.say);
        });
      return await this.throughJumps(talk, attempt, () => !sent);
    } catch (error) {
      if (!sent || !(error instanceof ConnectionError) || !error.temporary) throw error;
      this.pool.discard(wayOf(talk));
      talk.say(`${error.message}; looking again how the change ended`);
      return this.lookAgain(talk, tx, error, request, tries);
    }
  }

  /** After a lost connection: the host knows whether the transaction was made, undone or never begun. */
  private async lookAgain(
    talk: Conversation,
    tx: string,
    lost: ConnectionError,
    request: object,
    tries: number,
  ): Promise<AgentAnswer> {
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
    if (past.state === "unknown" && isRemoval(request) && tries > 1) return this.send(talk, request, tx, tries - 1);
    const reason =
      past.state === "rolled-back" ? `the host undid the change: ${String(past.reason)}` : "the change was never begun";
    throw new RoleError(
      `role ${talk.role} on ${host}: ${lost.message}; ${reason}. The host was left as it was before.`,
      true,
    );
  }

  /**
   * Asks how a transaction ended, with a connection of which nothing was lost, again and again until it is known. `refused`: the host may
   * still refuse the operator's key or show another one of its own, for it is about to undo what made it.
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
          exchange(client, talk.connection, { action: "outcome", tx }, talk.say),
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
        const answer = await exchange(client, talk.connection, { action: "confirm", tx }, talk.say);
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

function isRemoval(request: object): boolean {
  return (request as { action?: string }).action === "remove";
}
