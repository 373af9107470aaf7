// What both stand-ins have in common: resource types by token, wrapped values taken off and put back on, errors
// redacted.
import { isDeepStrictEqual } from "node:util";
import type {
  CheckFailure,
  CheckResult,
  DiffResult,
  InvokeResult,
  Provider,
  ReadResult,
} from "@pulumi/pulumi/provider";
import { redact } from "./redact";
import { hasSecret, type Properties, secret, secretTexts, unwrapAll, withoutAbsent } from "./values";

/** What an operation may know about the secrecy of its inputs, for what it logs and reports while it runs. */
export interface Scope {
  /** Whether an output will be secret, by {@link ResourceType.secretFrom}. */
  isSecret(output: string): boolean;
  /** The text with every secret of the request taken out. */
  redact(text: string): string;
}

/** One resource type, on plain values: no secret wrapping, no undefined; unknowns only in check and diff. */
export interface ResourceType {
  /**
   * Outputs that are secret as soon as one of the named inputs is. Inputs that are given back stay as secret as they
   * were.
   */
  readonly secretFrom?: Readonly<Record<string, readonly string[]>>;
  /** The failures of a set of inputs; may replace the inputs by normalised ones. */
  check(inputs: Properties): { inputs?: Properties; failures: CheckFailure[] };
  /**
   * What differs between the last outputs and the new inputs. `replaces` names the inputs that cannot be changed in
   * place.
   */
  diff(outputs: Properties, inputs: Properties): DiffResult;
  create(inputs: Properties, scope: Scope): Promise<{ id: string; outputs: Properties }>;
  /** The live state, or undefined when it is gone. On import `outputs` is empty, and the inputs are wanted too. */
  read?(id: string, outputs: Properties): Promise<{ id: string; outputs: Properties; inputs?: Properties } | undefined>;
  update(id: string, outputs: Properties, inputs: Properties, scope: Scope): Promise<Properties>;
  /** Deleting what is gone already succeeds. */
  delete(id: string, outputs: Properties, scope: Scope): Promise<void>;
}

/** A function of the provider. */
export type ProviderFunction = (args: Properties) => Promise<Properties>;

/** A failed check of one property. */
export function failure(property: string, reason: string): CheckFailure {
  return { property, reason };
}

/** The resource type's token in a URN: the last of the qualified types. */
export function typeOf(urn: string): string {
  const qualified = urn.split("::")[2] ?? "";
  return qualified.slice(qualified.lastIndexOf("$") + 1);
}

/**
 * The outputs with secrets marked: what is given back as it came in keeps its own wrapping; what is named in
 * `secretFrom` is secret when one of its sources is.
 */
function protect(type: ResourceType, outputs: Properties, raw: Properties): Properties {
  const marked = Object.entries(withoutAbsent(outputs)).map(([key, value]): [string, unknown] => {
    if (key in raw && isDeepStrictEqual(unwrapAll({ value: raw[key] }).value, value)) return [key, raw[key]];
    return [key, hasSecret(raw[key]) || isDerivedSecret(type, key, raw) ? secret(value) : value];
  });
  return Object.fromEntries(marked);
}

function isDerivedSecret(type: ResourceType, output: string, raw: Properties): boolean {
  return type.secretFrom?.[output]?.some((source) => hasSecret(raw[source])) ?? false;
}

function scopeOf(type: ResourceType, raws: Properties[]): Scope {
  return {
    isSecret: (output) => raws.some((raw) => isDerivedSecret(type, output, raw)),
    redact: (text) => redact(text, secretTexts(raws)),
  };
}

/** Runs an operation; an error leaves it with its secrets taken out and without a stack. */
async function guarded<T>(raws: unknown[], operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const redacted = new Error(redact(error instanceof Error ? error.message : String(error), secretTexts(raws)));
    redacted.stack = "";
    throw redacted;
  }
}

/**
 * A provider for `@pulumi/pulumi/provider`'s server out of resource types and functions by token. Errors name the
 * unknown token; secret inputs never appear in an error. `cancel` is told when the engine wants to stop.
 */
export function pluginOf(
  version: string,
  types: Readonly<Record<string, ResourceType>>,
  functions: Readonly<Record<string, ProviderFunction>>,
  cancel: () => Promise<void> = async () => undefined,
): Provider {
  const pick = (urn: string): ResourceType => {
    const found = types[typeOf(urn)];
    if (found) return found;
    throw new Error(
      `this stand-in has no resource type ${typeOf(urn)}, only ${Object.keys(types).join(", ")}; install the official plugin for the rest`,
    );
  };
  return {
    version,
    cancel,
    check: (urn: string, olds: Properties, news: Properties): Promise<CheckResult> =>
      guarded([olds, news], async () => {
        const type = pick(urn);
        const checked = type.check(unwrapAll(news));
        return { inputs: checked.inputs ? protect(type, checked.inputs, news) : news, failures: checked.failures };
      }),
    diff: (_id: string, urn: string, olds: Properties, news: Properties) =>
      guarded([olds, news], async () => pick(urn).diff(unwrapAll(olds), unwrapAll(news))),
    create: (urn: string, inputs: Properties) =>
      guarded([inputs], async () => {
        const type = pick(urn);
        const { id, outputs } = await type.create(unwrapAll(inputs), scopeOf(type, [inputs]));
        return { id, outs: protect(type, outputs, inputs) };
      }),
    read: (id: string, urn: string, props?: Properties): Promise<ReadResult> =>
      guarded([props], async () => {
        const type = pick(urn);
        const raw = props ?? {};
        if (!type.read) return { id, props: raw };
        const live = await type.read(id, unwrapAll(raw));
        if (!live) return { id: "", props: {} };
        const inputs = live.inputs && withoutAbsent(live.inputs);
        return { id: live.id, props: protect(type, live.outputs, raw), ...(inputs ? { inputs } : {}) };
      }),
    update: (id: string, urn: string, olds: Properties, news: Properties) =>
      guarded([olds, news], async () => {
        const type = pick(urn);
        const outputs = await type.update(id, unwrapAll(olds), unwrapAll(news), scopeOf(type, [olds, news]));
        return { outs: protect(type, outputs, news) };
      }),
    delete: (id: string, urn: string, props: Properties) =>
      guarded([props], async () => {
        const type = pick(urn);
        await type.delete(id, unwrapAll(props), scopeOf(type, [props]));
      }),
    invoke: (token: string, args: Properties): Promise<InvokeResult> =>
      guarded([args], async () => {
        const run = functions[token];
        if (run) return { outputs: withoutAbsent(await run(unwrapAll(args))) };
        throw new Error(
          `this stand-in has no function ${token}, only ${Object.keys(functions).join(", ")}; install the official plugin for the rest`,
        );
      }),
  };
}
