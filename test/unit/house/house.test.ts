/**
 * The house rules that a machine can hold: who imports whom, a doc comment on everything exported, files of a size to
 * read.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import * as ts from "typescript";

const ROOT = resolve(__dirname, "../../..");

/** What each folder may import of the others, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  host: ["model"],
  components: ["host", "model"],
  stacks: ["components", "host", "model"],
  lab: ["model"],
  toolchain: [],
};

/** Packages that a pure folder must not touch. */
const IMPURE = /^(@pulumi\/|node:(fs|net|http|https|child_process|dns|tls|os|process)|ssh2|node-ssh)/;

function sourcesOf(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    if (entry.name === "node_modules" || entry.name === "dist" || entry.name.startsWith(".")) continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...sourcesOf(path));
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts")) found.push(path);
  }
  return found;
}

const FILES = Object.keys(MAY_IMPORT).flatMap(sourcesOf);

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(join(ROOT, path), "utf8"), ts.ScriptTarget.ES2022, true);
}

/** All modules that a file names: import, export from, import(), require(). */
function importsOf(source: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      found.push(node.moduleSpecifier.text);
    }
    if (ts.isCallExpression(node) && node.arguments.length === 1 && ts.isStringLiteral(node.arguments[0]!)) {
      if (node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === "require")
        found.push(node.arguments[0]!.text);
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal))
      found.push(node.argument.literal.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The top folder that a relative import leads to. */
function folderOf(path: string, specifier: string): string {
  return relative(ROOT, resolve(ROOT, dirname(path), specifier)).split(sep)[0]!;
}

function isExported(node: ts.Node): boolean {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)
  );
}

/** Names of exported declarations without a doc comment. */
function undocumented(source: ts.SourceFile): string[] {
  return source.statements.flatMap((statement) => {
    if (!isExported(statement) || ts.getJSDocCommentsAndTags(statement).length > 0) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map((declaration) => declaration.name.getText());
    return [(statement as ts.DeclarationStatement).name?.getText() ?? statement.getText().slice(0, 40)];
  });
}

/**
 * Fields of exported interfaces of arguments and results in the product that nobody explains. A field may share the
 * comment above it.
 */
function unexplainedArguments(source: ts.SourceFile): string[] {
  return source.statements.filter(ts.isInterfaceDeclaration).flatMap((declaration) => {
    if (!isExported(declaration) || !declaration.name.text.endsWith("Args")) return [];
    return declaration.members
      .filter((member) => ts.getJSDocCommentsAndTags(member).length === 0)
      .map((member) => `${declaration.name.text}.${member.name?.getText()}`);
  });
}

describe("house rules", () => {
  test("there is something to look at", () => expect(FILES.length).toBeGreaterThan(60));

  test("imports go one way: stacks → components → host → model", () => {
    const wrong = FILES.flatMap((path) => {
      const own = path.split("/")[0]!;
      return importsOf(parse(path))
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => folderOf(path, specifier))
        .filter((folder) => folder !== own && !MAY_IMPORT[own]!.includes(folder))
        .map((folder) => `${path} imports ${folder}`);
    });
    expect(wrong).toEqual([]);
  });

  test("the model is pure, and so is every rendering", () => {
    const pure = FILES.filter(
      (path) =>
        path.startsWith("model/") ||
        /^components\/.*\/(render|page|firewall|user-data|sysctls|summary)\.ts$/.test(path),
    );
    const wrong = pure.flatMap((path) =>
      importsOf(parse(path))
        .filter((specifier) => IMPURE.test(specifier))
        .map((specifier) => `${path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test("below stacks nothing reads the environment, but where the operator's key is found", () => {
    const product = FILES.filter((path) => /^(model|components)\//.test(path));
    expect(product.filter((path) => readFileSync(join(ROOT, path), "utf8").includes("process.env"))).toEqual([]);
  });

  test("everything exported has a doc comment", () => {
    expect(FILES.flatMap((path) => undocumented(parse(path)).map((name) => `${path}: ${name}`))).toEqual([]);
  });

  test("every argument of the product is explained", () => {
    const product = FILES.filter((path) => /^(host|components)\//.test(path));
    expect(product.flatMap((path) => unexplainedArguments(parse(path)))).toEqual([]);
  });

  test("no file is longer than 350 lines", () => {
    const long = FILES.filter((path) => readFileSync(join(ROOT, path), "utf8").split("\n").length > 351);
    expect(long).toEqual([]);
  });
});

describe("the rules' own reading", () => {
  const source = (text: string): ts.SourceFile => ts.createSourceFile("x.ts", text, ts.ScriptTarget.ES2022, true);

  test("finds every way of importing", () => {
    const text =
      'import a from "./a"; export * from "./b"; const c = import("./c"); const d = require("./d"); type E = import("./e").E;';
    expect(importsOf(source(text))).toEqual(["./a", "./b", "./c", "./d", "./e"]);
  });

  test("sees what is not documented", () => {
    expect(
      undocumented(source("/** yes */ export const a = 1; export const b = 2; export function c() {} const d = 3;")),
    ).toEqual(["b", "c"]);
    expect(
      unexplainedArguments(source("export interface XArgs {\n  /** yes */\n  a: string;\n  b: string;\n}")),
    ).toEqual(["XArgs.b"]);
  });
});

test("comments are at most 120 columns wide", () => {
  const wide = [...FILES, ...sourcesOf("test")].flatMap((path) =>
    readFileSync(join(ROOT, path), "utf8")
      .split("\n")
      .flatMap((line, index) =>
        /^\s*(\*|\/\*\*|\/\/)/.test(line) && line.length > 120 ? [`${path}:${index + 1}`] : [],
      ),
  );
  expect(wide).toEqual([]);
});
