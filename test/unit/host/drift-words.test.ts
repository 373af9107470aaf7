import { driftWords } from "../../../host/resource/drift-words";
import type { RoleInputs } from "../../../host/resource/inputs";

const applied = {
  files: {
    "/etc/a": { content: "one\ntwo\n", mode: "0640" },
    "/etc/gone": { content: "" },
    "/etc/key": { content: "{{k}}", secrets: { k: "hunter2" } },
    "/etc/link": { content: "" },
  },
  directories: { "/d": {}, "/e": {} },
  links: { "/l": "a" },
  absent: ["/bad"],
  packages: ["socat"],
  sysctls: { "net.a": "1", "net.b": "1" },
  users: { bird: { shell: "/bin/false", home: "/h", groups: ["g"] }, gone: {} },
  units: { "a.service": {}, "b.service": { enabled: false, state: "stopped" }, "gone.service": {} },
  live: { rules: { command: ["x"] } },
} as unknown as RoleInputs;

test("each kind of drift is one sentence: what is there, what was applied", () => {
  const live = {
    files: {
      "/etc/a": { content: "one\nthree\nfour\n", mode: "0666", owner: "daemon" },
      "/etc/key": { content: "[drift: another line, hidden]\n[drift: … digest 00]", secrets: { k: "hunter2" } },
      "/etc/link": { content: "[drift: a link stands here (to a)]" },
    },
    directories: { "/d": { mode: "0700" }, "/e": { drifted: "a file stands here" } },
    links: { "/l": "b" },
    absent: [],
    packages: [],
    sysctls: { "net.a": "0", "net.b": "1", "/etc/sysctl.d/x": "[drift: - net.a = 1\n+ net.a = 0]" },
    users: { bird: { shell: "/bin/sh", home: "/i", groups: [] } },
    units: {
      "a.service": { enabled: "masked", state: "failed", overriddenBy: ["/etc/x.conf"] },
      "b.service": { enabled: true, state: "started" },
    },
    live: { rules: { command: ["x"], drifted: "- table a\n+ table b" } },
  } as unknown as RoleInputs;
  expect(driftWords(applied, live)).toEqual([
    "/etc/a: owner is daemon, applied was the default",
    "/etc/a: mode is 0666, applied was 0640",
    "/etc/a: its content was changed, lines gone: 1, new: 2",
    "/etc/gone: is gone",
    "/etc/key: its content was changed; it holds secrets, so it is not shown",
    "/etc/link: a link stands here (to a)",
    "/d: mode is 0700, applied was the default",
    "/e: a file stands here, applied was a directory",
    "/l: b, applied was a",
    "/bad: is there, and is to be absent",
    "package socat: is not installed any more",
    "sysctl net.a: is 0, applied was 1",
    "/etc/sysctl.d/x: - net.a = 1, + net.a = 0",
    "user bird: home is /i, applied was /h",
    "user bird: shell is /bin/sh, applied was /bin/false",
    "user bird: is not in group g any more",
    "user gone: is gone",
    "unit a.service: is masked and failed, applied was enabled and started",
    "unit a.service: is overridden by /etc/x.conf",
    "unit b.service: is enabled and started, applied was disabled and stopped",
    "unit gone.service: is gone",
    "rules: - table a, + table b",
  ]);
});

test("nothing is said of what is as applied, nor twice of what an earlier refresh has found", () => {
  expect(driftWords(applied, applied)).toEqual([]);
  const drifted = { live: { rules: { command: ["x"], drifted: "+ b" } } } as unknown as RoleInputs;
  expect(driftWords(drifted, drifted)).toEqual([]);
});
