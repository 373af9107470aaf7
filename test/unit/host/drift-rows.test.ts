/** Every argument of a role is changed by hand in the lab (test/lab/host-drift), or says why nobody can. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as ts from "typescript";
import { DRIFT_ROWS, NO_DRIFT } from "../../lab/drift-rows";

const text = readFileSync(join(__dirname, "../../../host/args.ts"), "utf8");

/** `field` and `field.part` of an interface: a part is a field of the entries of a map or list of `…Args`. */
function argumentsOf(source: ts.SourceFile): string[] {
  const interfaces = new Map(source.statements.filter(ts.isInterfaceDeclaration).map((one) => [one.name.text, one]));
  const names = (one: ts.InterfaceDeclaration) => one.members.map((member) => member.name!.getText());
  return interfaces.get("HostRoleArgs")!.members.flatMap((member) => {
    const field = member.name!.getText();
    const type = (member as ts.PropertySignature).type!.getText();
    const entry = /^(?:Record<string, (\w+Args)>|(\w+Args)\[\])$/.exec(type);
    // One of several kinds, such as a probe, is no interface, and changes as a whole.
    const entries = entry && interfaces.get(entry[1] ?? entry[2]!);
    const parts = entries ? names(entries) : [];
    return [field, ...parts.map((part) => `${field}.${part}`)];
  });
}

const known = argumentsOf(ts.createSourceFile("args.ts", text, ts.ScriptTarget.ES2022, true));
const rows = new Set(DRIFT_ROWS.map(({ kind }) => kind));
const covered = (name: string) =>
  rows.has(name) || name in NO_DRIFT || (name.includes(".") && name.split(".")[0]! in NO_DRIFT);

test("no argument is forgotten", () => {
  expect(known).toEqual(expect.arrayContaining(["files", "files.mode", "units.state", "live", "ports.address"]));
  expect(known.filter((name) => !covered(name))).toEqual([]);
});

test("no row and no excuse is of an argument that is not there, and none has both", () => {
  expect([...rows, ...Object.keys(NO_DRIFT)].filter((name) => !known.includes(name))).toEqual([]);
  expect([...rows].filter((name) => name in NO_DRIFT)).toEqual([]);
});
