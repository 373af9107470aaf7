/** A lab host whose transactions are interrupted: at a step, by a fault, seen from its console. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { FIXED_HOSTS, KEY_LABELS, SITES } from "../../lab/constants";
import { FabricClient } from "../../lab/fabric-client";
import { deriveSshKey } from "../../lab/keys";
import { instancePaths } from "../../lab/paths";
import { ROOT } from "./intranet";
import type { RoleContent } from "./steps-roles";
import { OWNERS, OWNERS_GONE, UNITS } from "./steps-roles";
import type { Answered, Asked } from "./steps-program/words";
import { exec, LAB_NAME } from "./support";

/**
 * The ways in which a transaction is interrupted: who asked for it, its process on the host, the way to it, the host's
 * power.
 */
export const FAULTS = ["provider", "agent", "connection", "power"] as const;
export type Fault = (typeof FAULTS)[number];

/** Hosts to do it on, at the same time. */
export const HOSTS = ["home", "cabin", "office", "attic"] as const;
export type HostName = (typeof HOSTS)[number];

/** How a host stands: everything that roles own, by name. */
export type Look = Record<string, unknown>;

const program = (name: string) => readFileSync(join(ROOT, "test/lab/steps-program", name), "utf8");
const CONSOLE = program("console.py");
const PROVIDER = join(ROOT, "dist/test/lab/steps-program/provider.js");
const PATHS = instancePaths(LAB_NAME);

// The agent on a host notes its steps there; sshd and systemd are what starts it.
const WATCH = `
mkdir -p /root/.ssh /etc/systemd/system.conf.d
grep -qxF "$1" /root/.ssh/authorized_keys || echo "$1" >>/root/.ssh/authorized_keys
chmod 0600 /root/.ssh/authorized_keys
echo 'SetEnv INTRANET_STEPS=/run/steps' >/etc/ssh/sshd_config.d/steps.conf
printf '[Manager]\\nDefaultEnvironment=INTRANET_STEPS=/run/steps\\n' >/etc/systemd/system.conf.d/steps.conf
systemctl set-environment INTRANET_STEPS=/run/steps
systemctl restart ssh
printf '%s' "$2" >/usr/local/lib/dpkg-steps.py
echo 'status-logger=python3 /usr/local/lib/dpkg-steps.py' >/etc/dpkg/dpkg.cfg.d/steps
`;
const UNWATCH = `
test "$2" = home || sed -i "\\|$(echo "$1" | cut -d' ' -f2)|d" /root/.ssh/authorized_keys
[ -s /root/.ssh/authorized_keys ] || rm -f /root/.ssh/authorized_keys
rm -rf /etc/ssh/sshd_config.d/steps.conf /etc/systemd/system.conf.d /run/steps /usr/local/lib/dpkg-steps.py /etc/dpkg/dpkg.cfg.d/steps
systemctl unset-environment INTRANET_STEPS
systemctl restart ssh
`;

/** A process that answers each line with one. */
class Talker<Question, Answer> {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly waiting: ((line: string | undefined) => void)[] = [];
  private said = "";

  constructor(place: string, argv: string[]) {
    this.child = spawn(join(ROOT, "bin/lab"), ["exec", place, "--", ...argv], { env: { ...process.env, LAB_NAME } });
    this.child.stdin.on("error", () => undefined);
    this.child.stderr.on("data", (chunk: Buffer) => (this.said = (this.said + chunk.toString()).slice(-2000)));
    createInterface({ input: this.child.stdout }).on("line", (line) => this.waiting.shift()?.(line));
    this.child.on("close", () => this.waiting.splice(0).forEach((tell) => tell(undefined)));
  }

  /** Undefined when the process ended before it had answered. */
  ask(question: Question): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return resolve(undefined);
      this.waiting.push((line) => resolve(line === undefined ? undefined : (JSON.parse(line) as Answer)));
      this.child.stdin.write(`${JSON.stringify(question)}\n`);
    });
  }

  get errors(): string {
    return this.said;
  }

  end(): void {
    this.child.stdin.end();
    this.child.kill();
  }
}

/** What the engine would ask of the provider, with the role as it is before and after. */
export interface Change {
  /** Absent: there is none. */
  from?: RoleContent;
  to?: RoleContent;
}

/** One lab host, with a provider's process beside it. */
export class StepHost {
  private console: Talker<{ do: string; with?: unknown[] }, unknown>;
  private provider: Talker<Asked, Answered>;
  private id: string | undefined;
  private readonly router: string;
  private readonly connection: object;

  constructor(readonly name: HostName) {
    const fixed = FIXED_HOSTS.find((host) => host.name === name)!;
    this.router = SITES.find((site) => site.name === fixed.site)!.router;
    const key = deriveSshKey(KEY_LABELS[`${name}HostKey`]).publicKey;
    this.connection = { address: fixed.ipv4, hostKeys: [key], name };
    this.console = this.openConsole();
    this.provider = this.openProvider();
  }

  /** What the owner has, the operator's key, and steps that are watched. */
  async prepare(): Promise<void> {
    await this.shell(OWNERS + WATCH, deriveSshKey(KEY_LABELS.operator).publicKey, program("dpkg-steps.py"));
    if (!(await this.tell("alone"))) throw new Error(`${this.name}: an earlier stack has not left yet`);
    // What a run that was ended has left.
    await this.make({ to: {} });
    await this.make({ from: {} });
  }

  async restore(): Promise<void> {
    if (this.id !== undefined) await this.provider.ask({ op: "delete", id: this.id, role: this.role({}) });
    await this.shell(OWNERS_GONE + UNWATCH, deriveSshKey(KEY_LABELS.operator).publicKey, this.name);
    this.console.end();
    this.provider.end();
  }

  /** A change without a fault. Returns its steps. @throws Error when it fails, unless that is expected */
  async make(change: Change, fails = false): Promise<string[]> {
    await this.tell("arm", "", "");
    const answer = await this.request(change);
    if ((answer?.error !== undefined) !== fails)
      throw new Error(`${this.name}: ${answer?.error ?? "it was to fail"} ${this.provider.errors}`);
    await this.tell("idle");
    return (await this.tell("seen")) as string[];
  }

  /**
   * A change with a fault at a step, and then what the next contact does. Returns what the provider said, if it lived.
   */
  async interrupt(change: Change, step: string, fault: Fault): Promise<string | undefined> {
    await this.tell("arm", fault === "agent" ? "kill" : "hold", step);
    const going = this.request(change);
    if (fault !== "agent") {
      if (!(await this.tell("held"))) throw new Error(`it never came there; ${JSON.stringify(await going)}`);
      if (fault === "power") await this.powerCut();
      if (fault === "connection" && !(await this.tell("cut"))) throw new Error("no session to cut");
      if (fault === "provider") {
        await this.provider.ask({ op: "die" });
        this.provider = this.openProvider();
      }
      if (fault !== "power") await this.tell("go");
    }
    const answer = await going;
    if (fault === "agent" && !(await this.tell("killed")))
      throw new Error(`it never came there; ${JSON.stringify(answer)}`);
    if (fault === "provider" && !(await this.tell("idle"))) throw new Error("it does not end by itself");
    await this.contact(change);
    return answer?.error;
  }

  /** How the host stands. */
  async look(): Promise<Look> {
    return (await this.tell("look", UNITS)) as Look;
  }

  /** What is left of a change and should not be. */
  async left(): Promise<string[]> {
    return (await this.tell("left")) as string[];
  }

  /** A refresh: learns whether the role is there. */
  private async contact({ from, to }: Change): Promise<void> {
    const id = this.id ?? "steps-unknown";
    const answer = await this.provider.ask({ op: "read", id, role: this.role(to ?? from!) });
    if (answer?.error !== undefined) throw new Error(`refresh: ${answer.error}`);
    if (this.id !== undefined && answer?.id === undefined) this.id = undefined;
  }

  private async request({ to, from }: Change): Promise<Answered | undefined> {
    const answer = await this.provider.ask(
      to === undefined
        ? { op: "delete", id: this.id ?? "steps-gone", role: this.role(from!) }
        : { op: "apply", role: this.role(to), ...(this.id === undefined ? {} : { id: this.id }) },
    );
    if (answer !== undefined && answer.error === undefined) this.id = to === undefined ? undefined : answer.id;
    return answer;
  }

  private role(content: RoleContent): object {
    return { ...content, connection: this.connection, owner: "steps/lab/role", role: "steps" };
  }

  private async powerCut(): Promise<void> {
    await new FabricClient(PATHS.socket).post(`/hosts/${this.name}/reset`);
    this.console.end();
    this.console = this.openConsole();
  }

  private async tell(what: string, ...args: unknown[]): Promise<unknown> {
    const answer = await this.console.ask({ do: what, with: args });
    if (answer === undefined) throw new Error(`the console of ${this.name} has ended: ${this.console.errors}`);
    return answer;
  }

  private async shell(script: string, ...words: string[]): Promise<void> {
    const done = await exec(this.name, ["sh", "-euc", script, "sh", ...words], { timeoutSeconds: 300 });
    if (done.code !== 0) throw new Error(`${this.name}: ${done.code}\n${done.stdout}${done.stderr}`);
  }

  private openConsole(): Talker<{ do: string; with?: unknown[] }, unknown> {
    return new Talker(this.name, ["python3", "-u", "-c", CONSOLE]);
  }

  private openProvider(): Talker<Asked, Answered> {
    return new Talker(this.router, ["env", `INTRANET_SSH_KEY=${PATHS.operatorKey}`, process.execPath, PROVIDER]);
  }
}
