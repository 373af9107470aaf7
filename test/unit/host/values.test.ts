import { checkRole } from "../../../host/resource/check";
import { fill } from "../../../host/resource/content";
import { type Facts, liveInputs } from "../../../host/resource/drift";
import type { RoleOutputs } from "../../../host/resource/inputs";

const path = "/etc/wireguard/wg-a.conf";
const file = { content: "PublicKey = {{peer}}\nPort = 1\n", values: { peer: "PEERKEY" } };
const state = {
  connection: {} as never,
  role: "a",
  owner: "o",
  hostId: "",
  observed: {},
  files: { [path]: file },
} as RoleOutputs;

function shown(content: string): string | undefined {
  const found = { kind: "file", mode: "0644", owner: "root", group: "root", same: false, content };
  const nothing = {
    directories: {},
    links: {},
    present: [],
    sysctls: {},
    users: {},
    units: {},
    missing: [],
    observed: {},
  };
  return liveInputs(state, { ...nothing, files: { [path]: found } } as unknown as Facts).files?.[path]?.content;
}

function reasons(given: object): string[] {
  const role = {
    connection: { address: "10.0.0.1", hostKeys: ["ssh-ed25519 AAAA"] },
    role: "a",
    owner: "o",
    files: { [path]: given },
  };
  return checkRole(role)
    .filter((failure) => failure.property.includes("files"))
    .map((failure) => failure.reason);
}

test("values and secrets fill their own placeholders", () => {
  expect(fill({ content: "{{a}} {{b}} {{c}}", secrets: { a: "1" }, values: { b: "2" } })).toBe("1 2 {{c}}");
});

test("what a hand changed shows by line, what was filled in does not", () => {
  expect(shown("PublicKey = PEERKEY\nPort = 2\n")).toBe("PublicKey = {{peer}}\nPort = 2\n");
  expect(shown("PublicKey = OTHER\nPort = 1\n")).toBe("PublicKey = OTHER\nPort = 1\n");
});

test("a value without a placeholder, or given twice, is refused", () => {
  expect(reasons(file)).toEqual([]);
  expect(reasons({ ...file, values: { peer: "x", other: "y" } })).toEqual([
    expect.stringContaining("has no placeholder {{other}}"),
  ]);
  expect(reasons({ ...file, secrets: { peer: "x" } })).toEqual([
    expect.stringContaining("is given among the secrets too"),
  ]);
});
