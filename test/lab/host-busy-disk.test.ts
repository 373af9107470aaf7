/**
 * File systems of a host that are full, out of inodes or read-only: said by name before anything is changed, and undone
 * without room.
 */
import type { Trial } from "./host-program/trial";
import { exec, execOk } from "./support";
import { TrialStack, UP } from "./trial";

jest.setTimeout(300_000);

const DIR = "/etc/trial";
const trial = new TrialStack();
const script = (text: string) => execOk("home", ["sh", "-c", text]);
const role = (content: string, more: object = {}): Trial["roles"] => ({
  disk: {
    files: { [`${DIR}/one`]: { content }, [`${DIR}/two`]: { content: `${content}two\n` } },
    links: { [`${DIR}/link`]: content.length > 9 ? "two" : "one" },
    ...more,
  },
});
const BIG = `${"x".repeat(99)}\n`.repeat(400);
/** Everything that a change could have touched. */
const state = () =>
  script(
    `cd ${DIR}; ls -lA --time-style=+; md5sum one two; readlink link; ls -A /var/lib/intranet | grep -v '^lock$' | sort; ` +
      "ls /usr/sbin/policy-rc.d 2>&1; ls -A /var/lib/intranet/tx 2>&1; true",
  );
/** Mounts over a folder, which keeps what it holds; returns what takes the mount away. */
const mounted = async (folder: string, options: string): Promise<() => Promise<unknown>> => {
  await script(
    `mkdir -p ${folder}; cp -a ${folder} /run/trial-copy; mount -t tmpfs -o ${options},mode=755 trial ${folder}; ` +
      `cp -a /run/trial-copy/. ${folder}; rm -r /run/trial-copy`,
  );
  return () =>
    script(
      `cp -a ${folder} /run/trial-copy; umount ${folder}; cp -a /run/trial-copy/. ${folder}; rm -r /run/trial-copy`,
    );
};
const readOnly = async (folder: string): Promise<() => Promise<unknown>> => {
  await script(`mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`);
  return () => script(`umount ${folder}`);
};

beforeAll(async () => {
  await trial.init();
  await script(`mkdir -p ${DIR}; apt-get update -q`);
  await trial.ok(UP, role("before\n"));
});
afterAll(async () => {
  await trial.remove();
  await script(`rm -rf ${DIR}; rm -f /var/cache/apt/archives/*.deb`);
});

const troubles = [
  [
    "the files' own is full",
    () => mounted(DIR, "size=64k"),
    /\/etc\/trial\/\w+ cannot be written: the file system \/etc\/trial \(tmpfs on trial\) has too little room: \d+ KiB are free, \d+ KiB are needed; .*; nothing was changed/,
  ],
  [
    "the files' own has no inode left",
    () => mounted(DIR, "size=4m,nr_inodes=5"),
    /the file system \/etc\/trial \(tmpfs on trial\) has too few inodes: 1 are left, 3 are needed/,
  ],
  [
    "the host's records' is full",
    () => mounted("/var/lib/intranet", "size=300k"),
    /\/var\/lib\/intranet cannot be written: the file system \/var\/lib\/intranet \(tmpfs on trial\) has too little room/,
  ],
  [
    "the files' own is read-only",
    () => readOnly(DIR),
    /\/etc\/trial\/\w+ cannot be written: the file system \/etc\/trial \(.*\) is read-only\. .* `mount -o remount,rw \/etc\/trial`; nothing was changed/,
  ],
  [
    "the host's records' is read-only",
    () => readOnly("/var/lib/intranet"),
    /\/var\/lib\/intranet\S* cannot be written: the file system \/var\/lib\/intranet \(.*\) is read-only/,
  ],
] as const;

test.each(troubles)("a file system: %s", async (_what, bring, words) => {
  const before = await state();
  const away = await bring();
  try {
    const said = await trial.failing(role(BIG));
    expect(said).toMatch(words);
    expect(said).toMatch(/The host was left as it was before/);
    expect(await state()).toBe(before);
  } finally {
    await away();
  }
  expect(await state()).toBe(before);
});

test("a file system that fills up in the middle of the change: everything is put back without room", async () => {
  const before = await state();
  const away = [
    await mounted(DIR, "size=900k,nr_inodes=30"),
    await mounted("/var/lib/intranet", "size=2500k,nr_inodes=90"),
  ];
  // Bytes first, then inodes; a file more must be refused.
  const fill = (folder: string) =>
    `cat /dev/zero > ${folder}/fill; n=0; while [ $n -lt 99 ] && true > ${folder}/fill-$n; do n=$((n+1)); done; ` +
    `echo x > ${folder}/fill-x || echo ${folder} is full; `;
  const command = ["sh", "-c", `(${fill(DIR)} ${fill("/var/lib/intranet")}) 2>/dev/null; exit 1`];
  try {
    const said = await trial.failing(role(BIG, { probes: [{ command, timeoutSeconds: 5, description: "fill" }] }));
    expect(said).toMatch(/fill: did not succeed within 5 s[^]*\/etc\/trial is full\s+\/var\/lib\/intranet is full/);
    expect(said).toMatch(/The host was left as it was before/);
    await script(`rm -f ${DIR}/fill* /var/lib/intranet/fill*`);
    expect(await state()).toBe(before);
  } finally {
    await script(`rm -f ${DIR}/fill* /var/lib/intranet/fill*`);
    for (const take of away) await take();
  }
});

test("no room for packages is said with the file system, nothing stays of them, and the next up succeeds", async () => {
  const roles = { ...role("before\n"), tool: { packages: ["jq"] } };
  const away = await mounted("/var/cache/apt/archives", "size=64k");
  try {
    const said = await trial.failing(roles);
    expect(said).toMatch(
      /packages could not be installed: jq; \/var\/cache\/apt\/archives\S* cannot be written: the file system/,
    );
    expect((await exec("home", ["dpkg-query", "-W", "jq"])).code).not.toBe(0);
  } finally {
    await away();
  }
  await trial.ok(UP, { ...role(BIG), tool: { packages: ["jq"] } });
  expect((await exec("home", ["jq", "--version"])).code).toBe(0);
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], { ...role(BIG), tool: { packages: ["jq"] } });
});
