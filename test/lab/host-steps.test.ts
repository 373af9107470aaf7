/**
 * All or nothing: at the steps of a transaction its process, the connection, the provider, the host's power is ended.
 * Afterwards the host has the old state or the new, wholly; the same change then succeeds; nothing is left of the first
 * try.
 */
import { BROKEN, everything, packaged, type RoleContent } from "./steps-roles";
import { type Change, type Fault, FAULTS, HOSTS, type Look, StepHost } from "./steps";
import { labOk } from "./support";

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
  "a change that is undone": {
    given: one,
    changes: [{ from: one, to: BROKEN }],
    undone: true,
    least: 20,
  },
};

/** STEPS=all: every fault at every step of every chain, which takes many times as long. */
const ALL = process.env["STEPS"] === "all";
/** What is written in many steps of every change: each is a kind of its own. */
const RECORDS = ["write:journal.json", "write:ledger.json", "write:TX.json"];

/** What is tried in a change. */
interface Interruption {
  step: string;
  fault: Fault;
}

/**
 * Steps that are alike: commands and records by name, paths by what is done to them, dpkg's words by what it does, or
 * has got to.
 */
function kindOf(step: string): string {
  const name = step.split("#")[0]!;
  if (name.startsWith("ran:") || RECORDS.includes(name)) return name;
  const [who, what, ...words] = name.split(/: ?/);
  return who === "dpkg" ? `dpkg ${what === "status" ? words[1] : words[0]}` : who!;
}

/** How often each kind of step was interrupted, by the chains so far. */
const times = new Map<string, number>();

/**
 * What is tried in each change: at each kind of step every fault, and of many that are alike every fourth is
 * interrupted, the faults in turns. Steps of undoing, and those after a change awaits its confirmation, are other
 * kinds.
 */
function interruptions(steps: readonly (readonly string[])[], undone: boolean): Interruption[][] {
  if (ALL) return steps.map((names) => names.flatMap((step) => FAULTS.map((fault) => ({ step, fault }))));
  const alike = new Map<string, { change: number; step: string }[]>();
  for (const [change, names] of steps.entries())
    for (const [index, step] of names.entries()) {
      const part = undone
        ? "undoing"
        : index > names.indexOf("awaiting") && names.includes("awaiting")
          ? "confirming"
          : "";
      const kind = `${part} ${kindOf(step)}`;
      alike.set(kind, [...(alike.get(kind) ?? []), { change, step }]);
    }
  const planned: Interruption[][] = steps.map(() => []);
  for (const [kind, places] of alike) {
    const before = times.get(kind) ?? 0;
    const count = Math.max(FAULTS.length - before, Math.ceil(places.length / FAULTS.length));
    for (let turn = 0; turn < count; turn++) {
      const { change, step } = places[Math.floor(turn * Math.max(1, places.length / count)) % places.length]!;
      planned[change]!.push({ step, fault: FAULTS[(before + turn) % FAULTS.length]! });
    }
    times.set(kind, before + count);
  }
  return planned;
}

const hosts: StepHost[] = [];
beforeAll(async () => {
  await labOk(["up"], { timeoutSeconds: 600 }); // their consoles need it at once
  hosts.push(...HOSTS.map((name) => new StepHost(name)));
  await Promise.all(hosts.map((host) => host.prepare()));
});
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

/** At most one interruption of each change. Returns what is wrong, in words. */
async function walk(
  host: StepHost,
  chain: Chain,
  { looks }: Known,
  tries: readonly (Interruption | undefined)[],
): Promise<string[]> {
  const wrong: string[] = [];
  for (const [number, change] of chain.changes.entries()) {
    const [old, fresh] = [looks[number]!, looks[number + 1]!];
    const { step, fault } = tries[number] ?? {};
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

test.each(Object.entries(CHAINS))("%s: interrupted at every kind of step in every way", async (_name, chain) => {
  const known = await Promise.all(hosts.map((host) => record(host, chain)));
  const steps = known[0]!.steps;
  expect(steps.flat().length).toBeGreaterThanOrEqual(chain.least);
  // In any order: dpkg does not wait for the program that notes its words, and so a step of the agent's may come before
  // the last of them.
  const sorted = (names: readonly string[][]) => names.map((one) => [...one].sort());
  for (const other of known) expect(sorted(other.steps)).toEqual(sorted(steps));
  const planned = interruptions(steps, chain.undone !== undefined);
  const most = Math.max(...planned.map((tries) => tries.length));
  const tasks = Array.from({ length: most }, (_, task) => planned.map((tries) => tries[task]));
  log(`${steps.flat().length} steps, ${planned.map((tries) => tries.length).join(" + ")} interruptions`);
  const wrong = await Promise.all(
    hosts.map(async (host, number) => {
      const found: string[] = [];
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift())
        found.push(...(await walk(host, chain, known[number]!, task)));
      if (chain.given !== undefined) await host.make({ from: chain.given });
      return found;
    }),
  );
  expect(wrong.flat()).toEqual([]);
});
