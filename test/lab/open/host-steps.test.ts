/**
 * All or nothing: at every step of a transaction its process, the connection, the provider, the host's power is ended. Afterwards the host
 * has the old state or the new, wholly; the same change then succeeds; nothing is left of the first try.
 */
import { BROKEN, confirmed, everything, packaged } from "../steps-roles";
import { type Change, type Fault, FAULTS, HOSTS, type Look, StepHost } from "../steps";

jest.setTimeout(3_600_000);

/** Changes one after the other, from nothing to nothing. */
interface Chain {
  changes: Change[];
  /** The change that must fail (it is undone), and at whose steps of undoing there are faults. */
  undone?: number;
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
    changes: [{ to: one }, { from: one, to: BROKEN }, { from: one }],
    undone: 1,
    least: 20,
  },
};

/** STEPS=all: every fault at every step of every chain, which takes four times as long. */
const ALL = process.env["STEPS"] === "all";

/** The faults at a step. They take turns: the same step of another change sees another one. */
function faultsAt(change: number, index: number): readonly Fault[] {
  return ALL ? FAULTS : [FAULTS[(change + index) % FAULTS.length]!];
}

const hosts = HOSTS.map((name) => new StepHost(name));
beforeAll(() => Promise.all(hosts.map((host) => host.prepare())));
afterAll(() => Promise.all(hosts.map((host) => host.restore())));

/** What differs between two looks at a host, in words. */
function difference(before: Look, after: Look): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const text = (value: unknown) => JSON.stringify(value) ?? "nothing";
  return [...names]
    .filter((name) => text(before[name]) !== text(after[name]))
    .map((name) => `${name}: ${text(before[name]).slice(0, 400)} => ${text(after[name]).slice(0, 400)}`);
}

/** How a host looks between the changes, and the steps of each. */
interface Known {
  looks: Look[];
  steps: string[][];
}

/** How a host looks between the changes, each of which is made once without a fault; and the steps of each. */
async function record(host: StepHost, { changes, undone }: Chain): Promise<Known> {
  const looks = [await host.look()];
  const steps: string[][] = [];
  for (const [number, change] of changes.entries()) {
    const seen = await host.make(change, number === undone);
    const first = seen.findIndex((step) => step.startsWith("undo:"));
    steps.push(undone === undefined ? seen : number === undone ? seen.slice(first) : []);
    looks.push(await host.look());
    expect(await host.left()).toEqual([]);
  }
  expect(difference(looks[0]!, looks.at(-1)!)).toEqual([]);
  if (undone === undefined) expect(difference(looks[0]!, looks[1]!).length).toBeGreaterThan(2);
  return { looks, steps };
}

/** One fault, the `turn`-th, at the `index`-th step of each change. Returns what is wrong, in words. */
async function walk(host: StepHost, chain: Chain, known: Known, index: number, turn: number): Promise<string[]> {
  const wrong: string[] = [];
  for (const [number, change] of chain.changes.entries()) {
    const [old, fresh] = [known.looks[number]!, known.looks[number + 1]!];
    const [step, fault] = [known.steps[number]![index], faultsAt(number, index)[turn]!];
    const say = (words: string) => wrong.push(`${host.name}, change ${number + 1}, ${fault} at "${step}": ${words}`);
    try {
      if (step !== undefined) {
        const said = await host.interrupt(change, step, fault);
        const now = await host.look();
        const mix = [difference(old, now), difference(fresh, now)].sort((a, b) => a.length - b.length)[0]!;
        if (process.env["STEPS_LOG"])
          process.stderr.write(`${host.name} ${number + 1} ${fault} ${step}: ${mix.join("; ")} ${said}\n`);
        if (mix.length > 0) say(`neither the old state nor the new: ${mix.join("; ")} (${said})`);
        for (const rest of await host.left()) say(`left: ${rest}`);
      }
      await host.make(change, number === chain.undone);
      for (const words of difference(fresh, await host.look())) say(`the change does not converge: ${words}`);
      for (const rest of await host.left()) say(`left after it converged: ${rest}`);
    } catch (error) {
      say((error as Error).message);
    }
  }
  return wrong;
}

test.each(Object.entries(CHAINS))("%s: interrupted at every step in every way", async (_name, chain) => {
  const known = await Promise.all(hosts.map((host) => record(host, chain)));
  const steps = known[0]!.steps;
  expect(steps.flat().length).toBeGreaterThanOrEqual(chain.least);
  for (const other of known) expect(other.steps).toEqual(steps);
  const most = Math.max(...steps.map((names) => names.length));
  const turns = faultsAt(0, 0).map((_, turn) => turn);
  const tasks = turns.flatMap((turn) => Array.from({ length: most }, (_, index) => ({ turn, index })));
  const wrong = await Promise.all(
    hosts.map(async (host, number) => {
      const found: string[] = [];
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift())
        found.push(...(await walk(host, chain, known[number]!, task.index, task.turn)));
      return found;
    }),
  );
  expect(wrong.flat()).toEqual([]);
});
