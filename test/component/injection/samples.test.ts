/** That no argument can be forgotten: every text that a type declares stands in its sample. */
import { join, resolve } from "node:path";
import * as ts from "typescript";
import { leavesOf } from "./leaves";
import { SAMPLES } from "./samples";

jest.setTimeout(300_000);

const ROOT = resolve(__dirname, "../../..");
/** What is no text of the user's: resources, and what is made of them. */
const OPAQUE = /^(?:Resource|CustomResource|ComponentResource|WireGuardKey|Output|OutputInstance|Promise)/;

const config = ts.getParsedCommandLineOfConfigFile(
  join(ROOT, "tsconfig.json"),
  {},
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (problem) => {
      throw new Error(String(problem.messageText));
    },
  },
)!;
const program = ts.createProgram([join(ROOT, "components/index.ts"), join(ROOT, "host/index.ts")], config.options);
const checker = program.getTypeChecker();

/** The written places of all texts that a type has, lists as `[]` and maps as `{}`. */
function declared(type: ts.Type, path: string, depth = 0): string[] {
  if (depth > 12) throw new Error(`${path}: arguments are nested without end`);
  const parts = type.isUnion() ? type.types : [type];
  const own = parts.filter(({ flags }) => !(flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null)));
  if (own.some(({ flags }) => flags & ts.TypeFlags.StringLike)) {
    const rest = own.filter(({ flags }) => flags & ts.TypeFlags.Object).filter((part) => !OPAQUE.test(nameOf(part)));
    return [path, ...rest.flatMap((part) => declared(part, path, depth + 1))];
  }
  return own.flatMap((part) => {
    if (!(part.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) || OPAQUE.test(nameOf(part))) return [];
    if (part.getCallSignatures().length > 0) return [];
    if (checker.isArrayType(part))
      return declared(checker.getTypeArguments(part as ts.TypeReference)[0]!, `${path}[]`, depth + 1);
    const map = part.getStringIndexType();
    if (map) return [`${path}{}`, ...declared(map, `${path}{}`, depth + 1)];
    return part.getProperties().flatMap((property) => {
      if (property.name === "via") return []; // a connection again
      if (path === "services{}" && property.name === "at") return [`${path}.at`]; // else a site's own host
      const at = path === "" ? property.name : `${path}.${property.name}`;
      return declared(checker.getTypeOfSymbol(property), at, depth + 1);
    });
  });
}

const nameOf = (type: ts.Type): string => type.aliasSymbol?.name ?? type.symbol?.name ?? "";

function exported(name: string): ts.Type {
  for (const file of ["components/index.ts", "host/index.ts"]) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, file))!)!;
    const found = checker.getExportsOfModule(module).find((symbol) => symbol.name === name);
    if (found)
      return checker.getDeclaredTypeOfSymbol(
        found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found,
      );
  }
  throw new Error(`${name} is exported nowhere`);
}

/** The places of a sample's texts, written like those of a type. */
function given(args: object, maps: readonly string[]): string[] {
  const isMap = new Set(maps);
  return leavesOf(args, isMap).map(({ path }) => {
    let [written, plain] = ["", ""];
    for (const part of path) {
      const inMap = isMap.has(plain.replace(/\[\d+\]/g, "[]"));
      plain += typeof part === "number" ? `[${part}]` : `${plain === "" ? "" : "."}${part}`;
      written += typeof part === "number" ? "[]" : inMap ? "{}" : `${written === "" ? "" : "."}${part}`;
    }
    return written;
  });
}

test.each(SAMPLES.map((sample) => [sample.type, sample] as const))(
  "%s: the sample has every text that is declared",
  (type, sample) => {
    const all = [sample.args, ...(sample.instead ?? [])];
    const found = new Set(all.flatMap((args) => given(args(), sample.maps ?? [])));
    const missing = [...new Set(declared(exported(type), ""))].filter((path) => !found.has(path));
    expect(missing).toEqual([]);
  },
);

test("every component's arguments have a sample", () => {
  const module = checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, "components/index.ts"))!)!;
  const types = checker
    .getExportsOfModule(module)
    .map(({ name }) => name)
    .filter((name) => /^[A-Z]\w+Args$/.test(name));
  const parts = ["BfdArgs"];
  expect(types.filter((name) => !parts.includes(name)).sort()).toEqual(
    SAMPLES.map(({ type }) => type)
      .filter((type) => type !== "HostRoleArgs")
      .sort(),
  );
});
