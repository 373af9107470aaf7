import { Module, createRequire } from "node:module";
import { join } from "node:path";

/**
 * What `@pulumi/pulumi` loads in every process and hardly any uses, by the names under which it does: the TypeScript compiler and npm's
 * arborist, with which it takes functions apart, and the automation API.
 */
const SELDOM_USED = ["./typescript-shim", "@npmcli/arborist", "normalize-package-data", "./automation"];

/**
 * Lets the SDK load what it seldom uses when it is first used: 0.4 s of processor time and 60 MiB less in each process that never does.
 *
 * `folder`: the SDK is the one that is found from there, as Pulumi itself finds it. What is loaded already stays, and what another release of the
 * SDK does not have is passed over: then all is as without this, and as slow.
 */
export function loadWhenUsed(folder: string): void {
  const found = createRequire(join(folder, "program.js"));
  try {
    const require = createRequire(found.resolve("@pulumi/pulumi/package.json"));
    for (const name of SELDOM_USED) standIn(require, name);
  } catch {
    // No SDK there, or another one: it loads as it does.
  }
}

/** Puts into the place of a module what becomes that module at the first look into it (`require.cache`: another entry is what Node.js lets one give it). */
function standIn(require: NodeJS.Require, name: string): void {
  const file = require.resolve(name);
  if (require.cache[file] !== undefined) return;
  const place = new Module(file);
  const real = (): Real => {
    if (require.cache[file] === place) delete require.cache[file];
    return require(file) as Real;
  };
  place.filename = file;
  place.loaded = true;
  place.exports = new Proxy(nothing.bind(undefined), {
    get: (_, key) => {
      // What compiled imports ask of every module at once: whether they must make a copy of it.
      if (key === "__esModule") return true;
      if (key === "default" && !real().__esModule) return real();
      return Reflect.get(real(), key) as unknown;
    },
    set: (_, key, value) => Reflect.set(real(), key, value),
    has: (_, key) => Reflect.has(real(), key),
    ownKeys: () => Reflect.ownKeys(real()),
    getOwnPropertyDescriptor: (_, key) => {
      const described = Reflect.getOwnPropertyDescriptor(real(), key);
      return described && { ...described, configurable: true };
    },
    apply: (_, self, args: unknown[]) => Reflect.apply(real(), self, args) as unknown,
    construct: (_, args: unknown[]) => Reflect.construct(real(), args) as object,
  });
  require.cache[file] = place;
}

type Real = (new () => object) & (() => unknown) & { __esModule?: boolean };

/** A module may be a function or a class, and what stands in for one has to be either. */
function nothing(): void {}
