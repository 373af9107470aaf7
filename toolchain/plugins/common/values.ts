// Property values as the engine sends them: secrets and outputs come wrapped in objects with a signature, what is not
// known yet comes as one of a few fixed strings (pulumi's sdk/go/common/resource/plugin/rpc.go).

/** A resource's properties by name. */
export type Properties = Record<string, unknown>;

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** The strings that stand for an unknown boolean, number, string, array, asset, archive and object. */
const unknowns = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** Whether a value is a plain object, with or without a signature. */
export function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSecret(value: Properties): boolean {
  return value[signatureKey] === secretSignature || (value[signatureKey] === outputSignature && value.secret === true);
}

function isWrapped(value: Properties): boolean {
  return value[signatureKey] === secretSignature || value[signatureKey] === outputSignature;
}

/**
 * Whether a value stands for something that is known only after the update. An output without a value is unknown too.
 */
export function isUnknown(value: unknown): boolean {
  return (
    (typeof value === "string" && unknowns.has(value)) ||
    (isObject(value) && value[signatureKey] === outputSignature && !("value" in value))
  );
}

/** Whether a value is unknown or contains something unknown. */
export function hasUnknown(value: unknown): boolean {
  if (isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) && Object.values(value).some(hasUnknown);
}

/** Whether a value is a secret or contains one. */
export function hasSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasSecret);
  return isObject(value) && (isSecret(value) || Object.values(value).some(hasSecret));
}

/** Marks a value as secret: the engine keeps it encrypted and shows it as [secret]. */
export function secret(value: unknown): unknown {
  return { [signatureKey]: secretSignature, value };
}

/**
 * The value without any wrapping. Assets, archives and unknowns stay as they are. `null` counts as absent, as in the
 * engine's own programs.
 */
export function unwrap(value: unknown): unknown {
  if (isUnknown(value)) return typeof value === "string" ? value : "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
  if (Array.isArray(value)) return value.map(unwrap);
  if (!isObject(value)) return value ?? undefined;
  if (isWrapped(value)) return unwrap(value.value);
  return withoutAbsent(Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, unwrap(entry)])));
}

/** {@link unwrap} for a whole set of properties. */
export function unwrapAll(properties: Properties | undefined): Properties {
  return unwrap(properties ?? {}) as Properties;
}

/** The object without keys whose value is undefined: the engine's encoding knows no undefined. */
export function withoutAbsent(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}

/**
 * Every text inside a secret, for the redactor. Lines of a longer text count by themselves: a private key is often
 * quoted line by line.
 */
export function secretTexts(value: unknown, inside = false): string[] {
  if (typeof value === "string") return inside && !isUnknown(value) ? [value, ...value.split("\n")] : [];
  if (Array.isArray(value)) return value.flatMap((entry) => secretTexts(entry, inside));
  if (!isObject(value)) return [];
  const deeper = inside || isSecret(value);
  return Object.entries(value).flatMap(([key, entry]) => (key === signatureKey ? [] : secretTexts(entry, deeper)));
}
