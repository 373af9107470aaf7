import { say } from "../process";
import { isDeepStrictEqual } from "node:util";
import { type Connection, connectionOf, connectionProblems, displayName, withoutHints } from "../connection/arguments";
import { ConnectionError } from "../connection/errors";
import type { ConnectionPool } from "../connection/pool";
import type { CheckFailure } from "../resource/check";
import { clean, holdsUnknown, isUnknown } from "../resource/inputs";

/** How long a host is looked for that may not be there yet. */
const LOOK_SECONDS = 15;

/** Inputs of an EnrolledHost. */
export interface EnrolmentInputs {
  connection: Connection;
  __provider?: string;
}

/** State of an EnrolledHost. */
export interface EnrolmentOutputs extends EnrolmentInputs {
  /** Whether the host has been seen. Never becomes false again. */
  enrolled: boolean;
}

/**
 * The dynamic provider of EnrolledHost: looks for a host until it has been seen once, and never again.
 *
 * A host that is off later stays enrolled: else its roles would be taken for unwanted and deleted.
 */
export class EnrolmentProvider {
  /** `log` takes what a person should know; it goes to the provider's stderr, which the engine shows. */
  constructor(
    private readonly pool: ConnectionPool,
    private readonly log: (line: string) => void = say,
    private readonly seconds = LOOK_SECONDS,
  ) {}

  async check(_olds: object, news: object): Promise<{ inputs: object; failures: CheckFailure[] }> {
    const { connection } = news as Partial<EnrolmentInputs>;
    const failures = connectionProblems(connection, "connection", isUnknown).map(({ path, reason }) => ({
      property: path,
      reason: `${path} ${reason}`,
    }));
    return { inputs: clean(news), failures };
  }

  /**
   * Once the host has been seen nothing is a change: a change would make `enrolled` unknown in a preview, and hide the
   * roles.
   */
  async diff(_id: string, olds: object, news: object): Promise<{ changes: boolean }> {
    const [before, after] = [olds as EnrolmentOutputs, news as EnrolmentInputs];
    if (before.enrolled) return { changes: false };
    if (await this.look(after)) {
      this.log(
        `${displayName(connectionOf(after.connection))} was seen: it is enrolled, and its roles come with the update`,
      );
      return { changes: true };
    }
    return { changes: !isDeepStrictEqual(withoutHints(before.connection), withoutHints(after.connection)) };
  }

  async create(inputs: EnrolmentInputs): Promise<{ id: string; outs: object }> {
    return { id: `enrolled-host-${Date.now().toString(36)}`, outs: { ...inputs, enrolled: await this.look(inputs) } };
  }

  async update(_id: string, olds: object, news: EnrolmentInputs): Promise<{ outs: object }> {
    const enrolled = (olds as EnrolmentOutputs).enrolled || (await this.look(news));
    return { outs: { ...news, enrolled } };
  }

  /** Whether the host shows its pinned key and takes the operator's: a login and a command that does nothing. */
  private async look(inputs: EnrolmentInputs): Promise<boolean> {
    if (holdsUnknown(inputs.connection)) return false;
    const connection = connectionOf(inputs.connection);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new ConnectionError("timeout", "it did not answer in time")),
        this.seconds * 1000,
      );
    });
    const login = this.pool.use(connection, { seconds: this.seconds }, (client) =>
      client.execute("true", { silenceMs: this.seconds * 1000 }),
    );
    login.catch(() => undefined);
    try {
      return (await Promise.race([login, late])).code === 0;
    } catch (error) {
      const reason =
        error instanceof ConnectionError && error.temporary ? "is not there yet" : "is there but cannot be used";
      this.log(`${displayName(connection)} ${reason}: ${(error as Error).message}`);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}
