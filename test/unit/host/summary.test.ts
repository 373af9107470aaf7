/** The sentence that a preview says of each role that changes. */
import { changeSummary } from "../../../host/resource/summary";
import type { RoleInputs } from "../../../host/resource/inputs";

const CONFIG = "/etc/app.conf";
const KEY = "/etc/key";
const olds = {
  connection: { address: "192.0.2.1", hostKeys: ["k"] },
  role: "web",
  owner: "p/s/web",
  packages: ["a", "b"],
  files: { [CONFIG]: { content: "one\ntwo\n" }, [KEY]: { content: "{{k}}\n", secrets: { k: "hunter2" } } },
  sysctls: { "net.a": "1" },
  units: { "a.service": { reloadOn: [CONFIG] }, "b.service": { restartOn: [KEY] } },
} as unknown as RoleInputs;
const summary = (more: object) => changeSummary(olds, { ...olds, ...more });
const files = (more: object) => ({ files: { ...olds.files, ...more } });

test.each<[string, object, string[]]>([
  ["nothing", {}, []],
  ["a probe alone", { probes: [{ tcp: { address: "::1", port: 1 } }] }, []],
  [
    "lines",
    files({ [CONFIG]: { content: "one\n2\n3\n" } }),
    ["role web: /etc/app.conf (+2 -1 lines); a.service reloads"],
  ],
  [
    "one line",
    files({ [CONFIG]: { content: "one\ntwo\n3\n" } }),
    ["role web: /etc/app.conf (+1 line); a.service reloads"],
  ],
  [
    "their order",
    files({ [CONFIG]: { content: "two\none\n" } }),
    ["role web: /etc/app.conf (lines in another order); a.service reloads"],
  ],
  [
    "a secret, which is not said",
    files({ [KEY]: { content: "{{k}}\n", secrets: { k: "hunter3" } } }),
    ["role web: /etc/key (another secret); b.service restarts"],
  ],
  [
    "a mode",
    files({ [CONFIG]: { content: "one\ntwo\n", mode: "0600" } }),
    ["role web: /etc/app.conf (owner or mode); a.service reloads"],
  ],
  [
    "a new file and unit",
    { ...files({ "/etc/n": { content: "" } }), units: { ...olds.units, "n.service": {} } },
    ["role web: /etc/n comes; n.service starts"],
  ],
  [
    "packages and settings",
    { packages: ["b", "c"], sysctls: { "net.a": "2" } },
    ["role web: packages +c, -a; sysctls net.a"],
  ],
  [
    "what goes",
    { files: {}, units: {} },
    ["role web: /etc/app.conf goes; /etc/key goes; a.service stops; b.service stops"],
  ],
])("%s", (_name, more, said) => {
  expect(summary(more)).toEqual(said);
});
