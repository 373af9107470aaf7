/**
 * A site's ways, addresses and rules for public services on a real host: what is refused, drift, other programs, a
 * reset, and the way back.
 */
import type { TrialPublic } from "./host-program/trial";
import { until } from "./intranet";
import { exec, lab } from "./support";
import { traces } from "./traces";
import { TrialStack, UP } from "./trial";

jest.setTimeout(300_000);

const HOST = "home";
const [wiki, mail] = ["2001:db8:100:1:1::5", "2001:db8:100:1:1::9"];
const GIVEN: TrialPublic = {
  network: "2001:db8:100:1::/64",
  pinned: [{ user: "mail", table: 65545 }],
  services: [
    { name: "wiki", address: wiki!, ports: [80, 443] },
    { name: "mail", address: mail!, ports: [25] },
  ],
};
const trial = new TrialStack();
const { ok, failing } = trial;
const up = (given: TrialPublic) => ok(UP, {}, { public: given });
const script = async (text: string) => (await exec(HOST, ["sh", "-c", text])).stdout.trim();
/**
 * What the kernel has of it in any order, and which of our units run. systemd goes on for a while to name those whose
 * file is gone.
 */
const state = () =>
  script(
    [
      "ip -6 rule show",
      "for look in 'route show table all type unreachable' '-oneline address show dev lo'; do ip -6 $look | sort; done",
      "for table in intranet intranet-public; do nft list table inet $table 2>/dev/null; done",
      "systemctl list-units --all --plain --no-legend 'intranet-*' | awk '$2 != \"not-found\" { print $1, $3 }' | sort",
      "systemctl list-unit-files --no-legend 'intranet-*' | awk '{ print $1, $2 }'",
    ].join("\n"),
  );

/** Waits until all is as it was; where it does not become so, shows what differs. */
async function settled(seconds: number): Promise<void> {
  await until("all is as it was", async () => (await state()) === good || undefined, seconds).catch(() => undefined);
  expect(await state()).toBe(good);
}

let before: string;
let untouched: string;
let good: string;
beforeAll(async () => {
  await trial.init();
  before = await state();
  untouched = await traces(HOST);
});
afterAll(async () => {
  await trial.remove();
});

test("an account that is not there is refused before anything is changed", async () => {
  const without = { ...GIVEN, pinned: [], services: [] };
  await up(without);
  const bare = await state();
  const said = await failing({}, { public: { ...without, pinned: [{ user: "nobody-at-all", table: 65545 }] } });
  expect(said).toContain("there is no account nobody-at-all on this host: make it, or name another one");
  expect(await state()).toBe(bare);
});

test("rules, tables, addresses and filters are there, and a second look finds nothing to do", async () => {
  await up(GIVEN);
  good = await state();
  const uid = await script("id -u mail");
  expect(good).toContain(`115:\tfrom all uidrange ${uid}-${uid} lookup 65545`);
  expect(good).toMatch(/unreachable default dev lo table 6464 metric 4294967295/);
  expect(good).toMatch(/inet6 2001:db8:100:1:1::5\/128 scope global deprecated/);
  expect(good).toContain("table inet intranet-public {");
  await ok(["preview", "--refresh", "--expect-no-changes"], {}, { public: GIVEN });
});

test("what somebody changes in the kernel is said by refresh and mended by up", async () => {
  await script(
    "ip -6 rule del pref 110; ip -6 rule add pref 115 to 2001:db8::9 lookup 7; ip -6 route del unreachable default table 65545 metric 4294967295; " +
      `ip address del ${wiki}/128 dev lo; nft flush chain inet intranet-public visitors`,
  );
  const said = await ok(["refresh", "--yes", "--diff"], {}, { public: GIVEN });
  for (const name of [
    "IPv6 routing rules",
    "end of routing table 65545",
    "public addresses",
    "table inet intranet-public",
  ])
    expect(said).toContain(name);
  await up(GIVEN);
  expect(await state()).toBe(good);
});

test("restarts of what manages network and filters, and a reset, lose nothing", async () => {
  await script("systemctl restart systemd-networkd.service; systemctl restart nftables.service");
  await settled(60);
  await lab(["reset", HOST]);
  await settled(120);
});

test("one service less takes its own things alone, and the end takes all", async () => {
  await up({ ...GIVEN, pinned: [], services: GIVEN.services.slice(0, 1) });
  const left = await state();
  expect(left).toContain(wiki);
  expect(left).not.toMatch(/2001:db8:100:1:1::9|65545/);
  await ok(["destroy", "--yes", "--skip-preview"], {}, { public: GIVEN });
  await until("all is as before", async () => (await state()) === before || undefined, 60).catch(() => undefined);
  expect(await state()).toBe(before);
  expect(await traces(HOST)).toBe(untouched);
});
