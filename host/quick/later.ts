import { Module, createRequire } from "node:module";
import { asSdk } from "./sdk";

/**
 * What `@pulumi/pulumi` loads in every process and hardly any uses, by the names under which it does: the TypeScript
 * compiler and npm's arborist, with which it takes functions apart, and the automation API.
 */
const SELDOM_USED = ["./typescript-shim", "@npmcli/arborist", "normalize-package-data", "./automation"];

/**
 * What it sends traces with, when `pulumi` is told to: it looks up the parts of these modules at once, and uses them
 * then.
 */
const FOR_TRACES = [
  "instrumentation",
  "instrumentation-grpc",
  "resources",
  "sdk-trace-base",
  "sdk-trace-node",
  "exporter-zipkin",
];

/**
 * Lets the SDK load what it seldom uses when it is first used: 0.4 s of processor time and 60 MiB less in each process
 * that never does.
 *
 * `folder`: the SDK is the one that is found from there, as Pulumi itself finds it. What is loaded already stays, and
 * what another release of the SDK does not have is passed over: then all is as without this, and as slow.
 */
export function loadWhenUsed(folder: string): void {
  try {
    const require = asSdk(folder);
    for (const name of SELDOM_USED) standIn(require, name);
    for (const name of FOR_TRACES) standIn(require, `@opentelemetry/${name}`, true);
  } catch {
    // No SDK there, or another one: it loads as it does.
  }
}

/**
 * Lets this library load its SSH client when it is first used: what a program that makes roles need not, since the
 * provider is another process.
 */
export function connectWhenUsed(): void {
  try {
    standIn(createRequire(__filename), "ssh2");
  } catch {
    // It is not installed: whoever needs it says so.
  }
}

/**
 * Puts into the place of a module what becomes that module at the first look into it (`require.cache`: another entry is
 * what Node.js lets one give it). `parts`: not at a look, but when one of its parts is used, all of which are functions
 * or classes.
 */
function standIn(require: NodeJS.Require, name: string, parts = false): void {
  const file = require.resolve(name);
  if (require.cache[file] !== undefined) return;
  const place = new Module(file);
  const real = (): Real => {
    if (require.cache[file] === place) delete require.cache[file];
    return require(file) as Real;
  };
  place.filename = file;
  place.loaded = true;
  place.exports = whenUsed(real, parts ? (key) => whenUsed(() => Reflect.get(real(), key) as Real) : undefined);
  require.cache[file] = place;
}

/**
 * What stands for a module, a function or a class until it is used. `part`: what to give to whoever looks up one of a
 * module's parts, if not itself.
 */
function whenUsed(real: () => Real, part?: (key: string | symbol) => Real): Real {
  const place: Real = new Proxy(nothing.bind(undefined), {
    get: (_, key) => {
      // What compiled imports ask of every module at once: whether they must make a copy of it.
      if (key === "__esModule") return true;
      if (key === "default" && !real().__esModule) return real();
      return part === undefined ? (Reflect.get(real(), key) as unknown) : part(key);
    },
    set: (_, key, value) => Reflect.set(real(), key, value),
    has: (_, key) => Reflect.has(real(), key),
    ownKeys: () => Reflect.ownKeys(real()),
    getOwnPropertyDescriptor: (_, key) => {
      const described = Reflect.getOwnPropertyDescriptor(real(), key);
      return described && { ...described, configurable: true };
    },
    apply: (_, self, args: unknown[]) => Reflect.apply(real(), self, args) as unknown,
    // A class that extends this one makes its own.
    construct: (_, args: unknown[], made: Real) =>
      Reflect.construct(real(), args, made === place ? real() : made) as object,
  }) as Real;
  return place;
}

type Real = (new () => object) & (() => unknown) & { __esModule?: boolean };

/** A module may be a function or a class, and what stands in for one has to be either. */
function nothing(): void {}
