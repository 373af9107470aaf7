/**
 * Every text of every component's arguments, replaced by hostile ones: refused by name before anything is made, or
 * listed here as free and carried literally (free.test.ts proves that).
 */
import * as fc from "fast-check";
import { HOSTILE } from "./hostile";
import { leavesOf, replaced, written, type Leaf } from "./leaves";
import { outcomeOf } from "./outcome";
import type { Sample } from "./sample";
import { SAMPLES } from "./samples";

jest.setTimeout(900_000);

/**
 * Arguments that may hold such texts. `machine` is an opaque name that no host sees, `identityFile` a path on the
 * machine that runs Pulumi. A host role's own contents are tried by test/unit/host/check.test.ts.
 */
const FREE: Readonly<Record<string, readonly string[]>> = {
  CertificateAuthorityArgs: ["organisation"],
  HostRoleArgs: ["machine", "connection.identityFile"],
  InternalDnsArgs: ["records[1].data"],
  IntranetArgs: ["certificateAuthority.organisation", "dns.extraRecords[1].data"],
  OspfArgs: ["interfaces[0].secret", "interfaces[0].spare.secret"],
};

/** The way to a host is the same everywhere, and tried once; a role's contents are tried apart. */
function isTriedHere({ type }: Sample, { path }: Leaf): boolean {
  if (type === "HostRoleArgs") return path[0] === "connection" || path[0] === "machine";
  if (type === "EnrolmentArgs" && path[0] === "roles") return false;
  return !path.includes("connection") && !path.includes("machine");
}

const sampleOf = (type: string): Sample => SAMPLES.find((sample) => sample.type === type)!;
/** A sample with each of its arguments. */
const variants = (sample: Sample): Sample[] =>
  [sample.args, ...(sample.instead ?? [])].map((args) => ({ ...sample, args }));
const leaves = (sample: Sample): Leaf[] =>
  leavesOf(sample.args(), new Set(sample.maps)).filter((leaf) => isTriedHere(sample, leaf));
/** Every text of a sample once, with the arguments that it stands in. */
function placesOf(sample: Sample): { sample: Sample; leaf: Leaf }[] {
  const all = variants(sample).flatMap((one) => leaves(one).map((leaf) => ({ sample: one, leaf })));
  const first = (leaf: Leaf): unknown => all.find((other) => written(other.leaf) === written(leaf))?.sample;
  return all.filter(({ sample: one, leaf }) => first(leaf) === one);
}

/** Whether a problem's place is the leaf's, or a part or a whole of it. */
function names(path: string, leaf: Leaf): boolean {
  const at = leaf.key ? String(leaf.path[0]) : written(leaf);
  return at.startsWith(path) || path.startsWith(at);
}

/** What is wrong with how a hostile text was taken; undefined: it was refused by name, or carried. */
async function flaw(sample: Sample, leaf: Leaf, text: string): Promise<string | undefined> {
  const outcome = await outcomeOf(sample, replaced(sample.args(), leaf, text) as object);
  const free = FREE[sample.type]?.includes(written(leaf));
  if (!outcome.refused) return free ? undefined : "carried, though it is not listed as free";
  if (outcome.paths.length === 0) return `no argument is named: ${outcome.message.slice(0, 200)}`;
  return outcome.paths.some((path) => names(path, leaf)) ? undefined : `others are named: ${outcome.paths.join(", ")}`;
}

test.each(SAMPLES.map(({ type }) => type))("%s: the sample itself is taken", async (type) => {
  for (const sample of variants(sampleOf(type))) {
    const outcome = await outcomeOf(sample, sample.args());
    expect(outcome.refused ? outcome.message : "taken").toBe("taken");
  }
});

test.each(SAMPLES.map(({ type }) => type))("%s: no hostile text gets through by any argument", async (type) => {
  const flaws: string[] = [];
  for (const { sample, leaf } of placesOf(sampleOf(type)))
    for (const [name, text] of Object.entries(HOSTILE)) {
      const found = await flaw(sample, leaf, text);
      if (found !== undefined) flaws.push(`${written(leaf)}, ${name}: ${found}`);
    }
  expect(flaws).toEqual([]);
});

test("nor any mixture of them", async () => {
  const places = SAMPLES.flatMap(placesOf);
  const piece = fc.oneof(
    fc.constantFrom(...Object.values(HOSTILE).filter((text) => text.length < 200)),
    fc.string({ maxLength: 8 }),
    fc.string({ unit: "binary", maxLength: 8 }),
  );
  // A blank and a line feed are in no name, address or number, whatever stands around them.
  const text = fc.tuple(piece, piece, piece).map((parts) => parts.join(" \n"));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), text, async ({ sample, leaf }, hostile) => {
      expect(`${written(leaf)}: ${(await flaw(sample, leaf, hostile)) ?? "well"}`).toBe(`${written(leaf)}: well`);
    }),
    { numRuns: 400 },
  );
});
