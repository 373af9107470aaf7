/**
 * All or nothing: at every step of a transaction its process, the connection, the provider, the host's power is ended. Afterwards the host
 * has the old state or the new, wholly; the same change then succeeds; nothing is left of the first try.
 */
import { BROKEN, confirmed, everything, packaged, type RoleContent } from "../steps-roles";
import { type Change, type Fault, FAULTS, HOSTS, type Look, StepHost } from "../steps";

jest.setTimeout(3_600_000);

/** Changes one after the other, which end where they began. */
interface Chain {
  /** What the host has before the first change and after the last; absent: no role. */
  given?: RoleContent;
  changes: Change[];
  /** Each change must fail, and be undone: the faults are at the steps of undoing. */
  undone?: true;
  /** Fewer steps than that, and something is not watched any more. */
  least: number;
}

const [one, two] = [everything(1), everything(2)];
const CHAINS: Record<string, Chain> = {
  "everything but packages": {
    changes: [{ to: one }, { from: one, to: two }, { from: two }],
    least: 140,
  },
  "packages, and what daemons gather": {
    changes: [{ to: packaged(1) }, { from: packaged(1), to: packaged(2) }, { from: packaged(2) }],
    least: 60,
  },
  "a change that has to be confirmed": {
    changes: [{ to: confirmed(1) }, { from: confirmed(1) }],
    least: 40,
  },
  "a change that is undone": {
    given: one,
    changes: [{ from: one, to: BROKEN }],
    undone: true,
    least: 20,
  },
};

/** STEPS=all: every fault at every step of every chain, which takes many times as long. */
const ALL = process.env["STEPS"] === "all";

/** Steps that are alike: commands by name, paths by what is done to them, dpkg's words by what it does, or has got to. */
function kindOf(step: string): string {
  const name = step.split("#")[0]!;
  if (name.startsWith("ran:")) return name;
  const [who, what, ...words] = name.split(/: ?/);
  return who === "dpkg" ? `dpkg ${what === "status" ? words[1] : words[0]}` : who!;
}

/**
 * The faults at each step: the agent and the connection are ended in turns, so that the same step of another change sees the other. What costs
 * time, of each kind of step one or two see: the power cut, and the end of who would have confirmed.
 */
function faults(steps: readonly (readonly string[])[]): Fault[][][] {
  const times = new Map<string, number>();
  return steps.map((names, change) =>
    names.map((step, index) => {
      if (ALL) return [...FAULTS];
      const time = times.get(kindOf(step)) ?? 0;
      times.set(kindOf(step), time + 1);
      return [(["power", "provider"] as const)[time] ?? FAULTS[(change + index) % 2]!];
    }),
  );
}

const hosts = HOSTS.map((name) => new StepHost(name));
beforeAll(() => Promise.all(hosts.map((host) => host.prepare())));
afterAll(() => Promise.all(hosts.map((host) => host.restore())));

/** What differs between two looks at a host, in words: of what has lines, those that the other has not. */
function difference(before: Look, after: Look): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const text = (value: unknown) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing"));
  const alone = (one: string, other: string) => {
    const known = new Set(other.split("\n"));
    return one
      .split("\n")
      .filter((line) => !known.has(line))
      .join(", ")
      .slice(0, 400);
  };
  return [...names]
    .map((name) => ({ name, old: text(before[name]), now: text(after[name]) }))
    .filter(({ old, now }) => old !== now)
    .map(({ name, old, now }) => `${name}: ${alone(old, now)} => ${alone(now, old)}`);
}

/** How a host looks between the changes, and the steps of each. */
interface Known {
  looks: Look[];
  steps: string[][];
}

/** How a host looks between the changes, each of which is made once without a fault; and the steps of each. */
async function record(host: StepHost, { given, changes, undone }: Chain): Promise<Known> {
  if (given !== undefined) await host.make({ to: given });
  const looks = [await host.look()];
  const steps: string[][] = [];
  for (const change of changes) {
    const seen = await host.make(change, undone);
    steps.push(undone === undefined ? seen : seen.slice(seen.findIndex((step) => step.startsWith("undo:"))));
    looks.push(await host.look());
    expect(await host.left()).toEqual([]);
  }
  expect(difference(looks[0]!, looks.at(-1)!)).toEqual([]);
  if (undone === undefined) expect(difference(looks[0]!, looks[1]!).length).toBeGreaterThan(2);
  return { looks, steps };
}

/** One fault at one step of each change that has so many. Returns what is wrong, in words. */
async function walk(
  host: StepHost,
  chain: Chain,
  known: Known,
  task: (Fault | undefined)[],
  index: number,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const [number, change] of chain.changes.entries()) {
    const [old, fresh] = [known.looks[number]!, known.looks[number + 1]!];
    const [step, fault] = [known.steps[number]![index], task[number]];
    const began = Date.now();
    const say = (words: string) => {
      wrong.push(`${host.name}, change ${number + 1}, ${fault ?? "nothing"} at "${step}": ${words}`);
      log(`WRONG ${wrong.at(-1)}`);
    };
    try {
      if (step !== undefined && fault !== undefined) {
        const said = await host.interrupt(change, step, fault);
        const now = await host.look();
        const mix = [difference(old, now), difference(fresh, now)].sort((a, b) => a.length - b.length)[0]!;
        if (mix.length > 0) say(`neither the old state nor the new: ${mix.join("; ")} (${said})`);
        for (const rest of await host.left()) say(`left: ${rest}`);
      }
      const again = Date.now();
      await host.make(change, chain.undone);
      for (const words of difference(fresh, await host.look())) say(`the change does not converge: ${words}`);
      for (const rest of await host.left()) say(`left after it converged: ${rest}`);
      log(`${host.name} ${number + 1} ${fault} ${step}: ${again - began} ms, and again ${Date.now() - again} ms`);
    } catch (error) {
      say((error as Error).message);
    }
  }
  return wrong;
}

/** STEPS_LOG=1: what is tried, how long it took, and what is wrong, at once. */
function log(words: string): void {
  if (process.env["STEPS_LOG"]) process.stderr.write(`${words}\n`);
}

test.each(Object.entries(CHAINS))("%s: interrupted at every step in every way", async (_name, chain) => {
  const known = await Promise.all(hosts.map((host) => record(host, chain)));
  const steps = known[0]!.steps;
  expect(steps.flat().length).toBeGreaterThanOrEqual(chain.least);
  for (const other of known) expect(other.steps).toEqual(steps);
  const planned = faults(steps);
  const turns = ALL ? FAULTS.length : 1;
  const most = Math.max(...steps.map((names) => names.length));
  const tasks = Array.from({ length: turns * most }, (_, task) => ({
    turn: Math.floor(task / most),
    index: task % most,
  }));
  const wrong = await Promise.all(
    hosts.map(async (host, number) => {
      const found: string[] = [];
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
        const { turn, index } = task;
        const at = planned.map((change) => change[index]?.[turn]);
        found.push(...(await walk(host, chain, known[number]!, at, index)));
      }
      if (chain.given !== undefined) await host.make({ from: chain.given });
      return found;
    }),
  );
  expect(wrong.flat()).toEqual([]);
});
