/** The operator's keys: which there are, and in which order a host is offered them. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { BaseAgent, createAgent, type ParsedKey, utils } from "ssh2";
import type { AnyAuthMethod, IdentityCallback, SignCallback, SigningRequestOptions } from "ssh2";
import { ConnectionError } from "./errors";
import { blobOf } from "./host-key";

/** A key that can be offered to a host. */
export interface Offer {
  method: AnyAuthMethod;
  /** Base64 of its public half: what tells it from others. */
  key: string;
  /**
   * How many refused attempts it may count for: a key of RSA is tried with each of its two signature algorithms (RFC
   * 8332).
   */
  cost: number;
}

/** What there is to offer. */
export interface Offers {
  /** The best first; never empty. */
  offers: Offer[];
  /** Whether the agent at SSH_AUTH_SOCK did not answer. */
  agentFailed: boolean;
  /** Keys in the agent. */
  inAgent: number;
}

/** For whom keys are looked for. */
export interface Login {
  user: string;
  /** Public halves, OpenSSH form, of keys that may log in: those are offered first. */
  operatorKeys?: readonly string[] | undefined;
  /** Path of a private key file, as a hint. */
  identityFile?: string | undefined;
}

/**
 * The keys in the order in which they are offered: the one that has got in before (`worked`), the file that
 * `INTRANET_SSH_KEY` names, those in the agent at `SSH_AUTH_SOCK` and of the hint whose public halves are known, those
 * that have got into other hosts, the others of the agent, the hint. A server ends a login after a few refused keys
 * (sshd_config(5), MaxAuthTries), so an agent's many are not simply tried one after the other.
 *
 * @throws ConnectionError: `no-key` when there is nothing on this machine to log in with, `authentication` when what
 * there is cannot be used.
 */
export async function keysFor(
  login: Login,
  worked: { here?: string | undefined; elsewhere: ReadonlySet<string> } = { elsewhere: new Set() },
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Offers> {
  const { user, identityFile: hint } = login;
  const { SSH_AUTH_SOCK: socket, INTRANET_SSH_KEY: named } = environment;
  const first = named ? fromFile(user, named, "INTRANET_SSH_KEY") : undefined;
  let agentFailed = false;
  const inAgent = socket ? await fromAgent(user, socket).catch(() => ((agentFailed = true), [])) : [];
  // A hint that leads nowhere on this machine is no error while the agent may have the key.
  const hinted = first || hint === undefined ? undefined : hintedFile(user, hint, inAgent.length > 0);
  const known = new Set((login.operatorKeys ?? []).flatMap(publicHalf));
  const rank = (offer: Offer): number => {
    if (offer.key === worked.here) return 0;
    if (offer === first) return 1;
    if (known.has(offer.key)) return 2;
    if (worked.elsewhere.has(offer.key)) return 3;
    return offer === hinted ? 5 : 4;
  };
  const all = [first, ...inAgent, hinted].filter((offer) => offer !== undefined);
  const once = all.filter((offer, index) => all.findIndex(({ key }) => key === offer.key) === index);
  if (once.length === 0) throw nothing(socket, agentFailed);
  return { offers: once.sort((a, b) => rank(a) - rank(b)), agentFailed, inAgent: inAgent.length };
}

function nothing(socket: string | undefined, agentFailed: boolean): ConnectionError {
  const ways = "`ssh-add` brings one, or INTRANET_SSH_KEY names a private key file";
  if (agentFailed)
    return new ConnectionError(
      "authentication",
      `the SSH agent at ${socket} (SSH_AUTH_SOCK) does not answer, and there is no key file: start an agent anew and let ${ways}`,
    );
  if (socket)
    return new ConnectionError("authentication", `the SSH agent at ${socket} (SSH_AUTH_SOCK) holds no key: ${ways}`);
  return new ConnectionError(
    "no-key",
    "no SSH key to log in with: start an agent (`eval $(ssh-agent); ssh-add`), or let INTRANET_SSH_KEY name a private key file",
  );
}

/** One key of an agent, as if the agent had no other. */
class OneKey extends BaseAgent {
  constructor(
    private readonly agent: BaseAgent,
    private readonly key: ParsedKey,
  ) {
    super();
  }

  getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(undefined, [this.key]);
  }

  sign(_key: unknown, data: Buffer, options: SigningRequestOptions | SignCallback, callback?: SignCallback): void {
    if (typeof options === "function") this.agent.sign(this.key, data, options);
    else this.agent.sign(this.key, data, options, callback);
  }
}

function fromAgent(username: string, socket: string): Promise<Offer[]> {
  const agent = createAgent(socket);
  return new Promise((resolve, reject) => {
    agent.getIdentities((error, keys) => {
      if (error) return reject(error);
      const parsed = (keys ?? []).flatMap((key) => {
        const one = utils.parseKey(key as Buffer);
        return one instanceof Error ? [] : [one];
      });
      resolve(parsed.map((key) => offerOf({ type: "agent", username, agent: new OneKey(agent, key) }, key)));
    });
  });
}

function offerOf(method: AnyAuthMethod, key: ParsedKey): Offer {
  return { method, key: key.getPublicSSH().toString("base64"), cost: key.type === "ssh-rsa" ? 2 : 1 };
}

function publicHalf(line: string): string[] {
  try {
    return [blobOf(line.trim()).toString("base64")];
  } catch {
    return []; // not every type of key can be read here; it is in no agent that could be read then
  }
}

function hintedFile(username: string, path: string, others: boolean): Offer | undefined {
  try {
    return fromFile(username, path, "connection.identityFile");
  } catch (error) {
    if (!others) throw error;
    return undefined;
  }
}

function fromFile(username: string, path: string, source: string): Offer {
  const file = path.startsWith("~/") ? homedir() + path.slice(1) : path;
  let text: Buffer;
  try {
    text = readFileSync(file);
  } catch (error) {
    throw new ConnectionError(
      "authentication",
      `${source} names ${path}, which cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  const parsed = utils.parseKey(text);
  if (parsed instanceof Error || !parsed.isPrivateKey())
    throw new ConnectionError(
      "authentication",
      `${source} names ${path}, which is not a private key that can be read without a passphrase; add it to an agent (ssh-add) instead`,
    );
  return offerOf({ type: "publickey", username, key: text }, parsed);
}
