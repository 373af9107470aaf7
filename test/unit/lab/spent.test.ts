/** What the time of a file of the lab's tests is counted as. */
import { secondsByKind, spend, type Kind } from "../../lab/spent";

const one = (kind: Kind, from: number, to: number) => ({ kind, from: from * 1000, to: to * 1000 });

test("what is no piece of work is the test's own, and what lies outside is not counted", () => {
  expect(secondsByKind([one("wait", -5, 2), one("up", 4, 5), one("boot", 9, 12)], 0, 10_000)).toEqual({
    up: 1,
    boot: 1,
    wait: 2,
    test: 6,
  });
});

test("what runs side by side counts once", () => {
  expect(secondsByKind([one("wait", 0, 10), one("up", 2, 4), one("boot", 3, 6)], 0, 10_000)).toEqual({
    up: 2,
    boot: 2,
    wait: 6,
    test: 0,
  });
});

test("work that fails is noted too", async () => {
  const noted = globalThis as { labTimes?: unknown[] };
  noted.labTimes = [];
  await expect(spend("up", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(noted.labTimes).toEqual([{ kind: "up", from: expect.any(Number), to: expect.any(Number) }]);
});
