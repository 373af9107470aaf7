/**
 * Any change between any two roles, killed at any step, and the process that mends it killed at any step too: the old
 * state or the new.
 */
import fc from "fast-check";
import { OWNER, Scratch } from "./scratch";

jest.setTimeout(600_000);

const PATHS = ["/etc/one", "/etc/two", "/etc/deep/er/three"];
/** What a role wants of a path: nothing, a file, a link, its absence. */
const wish = fc.constantFrom("nothing", "file a", "file b", "link a", "link b", "absent");
const wishes = fc.array(wish, { minLength: PATHS.length, maxLength: PATHS.length });

function role(wanted: string[]): object {
  const of = (kind: string) =>
    PATHS.flatMap((path, index) => (wanted[index]!.startsWith(kind) ? [[path, wanted[index]!]] : []));
  return {
    action: "apply",
    files: Object.fromEntries(
      of("file").map(([path, text]) => [path, { content: `${text}\n`, mode: "0640", owner: OWNER }]),
    ),
    links: Object.fromEntries(of("link").map(([path, target]) => [path, target])),
    absent: of("absent").map(([path]) => path),
  };
}

/** The configuration, and who owns what; the hook into boot is the agent's own. */
function state(host: Scratch): string {
  const tree = Object.entries(host.tree()).filter(([path]) => !path.startsWith("/etc/systemd"));
  const ledger = host.read("/var/lib/intranet/ledger.json");
  return JSON.stringify([tree, ledger === undefined ? {} : JSON.parse(ledger).roles]);
}

test("two kills, anywhere", () => {
  const double = fc.record({ old: wishes, fresh: wishes, first: fc.nat(), second: fc.nat(), boots: fc.boolean() });
  fc.assert(
    fc.property(double, ({ old, fresh, first, second, boots }) => {
      const host = new Scratch();
      try {
        host.write("/etc/one", "of the owner\n", 0o604);
        host.run(role(old));
        const before = state(host);
        const steps = host.run(role(fresh)).steps;
        const after = state(host);
        host.run(role(old));
        expect(state(host)).toBe(before);
        host.run(role(fresh), steps[first % steps.length]);
        const mending = ["undo:units-off", "undo:/etc/one", "undo:units-on", "write:ledger.json", "ended", "tidied"];
        if (boots) host.own("boot", mending[second % mending.length]);
        else host.run({ action: "read" }, mending[second % mending.length]);
        expect(host.run({ action: "read" }).answer).toMatchObject({ ok: true });
        expect([before, after]).toContain(state(host));
        const kept = Object.keys({ ...host.tree("/var/lib/intranet"), ...host.tree() });
        expect(kept.filter((path) => /journal|\/tx|\.intranet-/.test(path))).toEqual([]);
        expect(host.run(role(fresh)).answer).toMatchObject({ ok: true });
        expect(state(host)).toBe(after);
        expect(host.run({ action: "remove" }).answer).toMatchObject({ ok: true });
        expect(host.tree("/var/lib/intranet")).toEqual({});
        expect(host.read("/etc/one")).toBe("of the owner\n");
      } finally {
        host.remove();
      }
    }),
    { numRuns: Number(process.env["STEPS_RUNS"] ?? 12) },
  );
});
