/**
 * The shape of a description that comes from configuration or JavaScript, where no compiler looks: fields of the right
 * type, none missing, none unknown (a misspelt `audience` must not be passed over). What is well shaped is kept, so
 * that the rules can be checked on it and all problems appear together.
 */
import { show, type Issues } from "./errors";

/** What a value must look like. */
export type Shape =
  | { readonly kind: "string" }
  | { readonly kind: "number" }
  | { readonly kind: "boolean" }
  | { readonly kind: "choice"; readonly of: readonly string[] }
  | { readonly kind: "list"; readonly item: Shape }
  | { readonly kind: "map"; readonly item: Shape }
  | { readonly kind: "either"; readonly text: Shape; readonly object: Shape }
  | {
      readonly kind: "object";
      readonly required: Readonly<Record<string, Shape>>;
      readonly optional: Readonly<Record<string, Shape>>;
    };

const text: Shape = { kind: "string" };
const number: Shape = { kind: "number" };
const texts: Shape = { kind: "list", item: text };

function object(required: Record<string, Shape>, optional: Record<string, Shape> = {}): Shape {
  return { kind: "object", required, optional };
}

const flag: Shape = { kind: "boolean" };
const host = object(
  { address: text },
  { hostKeys: texts, enrol: flag, hostKeyVersion: number, port: number, user: text },
);
const record = object({ name: text, type: text, data: text }, { ttl: number });

const stepCaSource: Shape = {
  kind: "either",
  text,
  object: object({}, { repository: text, key: text, fingerprint: text, deb: text, sha256: text }),
};

/** The shapes of `IntranetSpec`'s fields; each is checked on its own. */
export const SPEC_SHAPE = {
  domain: text,
  space: object({ v4: text }, { v6: text }),
  pools: object({}, { identities: text, devices: text }),
  sinkhole: object(
    { location: text, serverType: text, image: text, management: object({ from: texts }) },
    {
      hostKeyVersion: number,
      id: number,
      underlayMtu: number,
      delivery: { kind: "choice", of: ["routed", "on-link"] },
      devicesReachEachOther: flag,
      namePrefix: text,
    },
  ),
  sites: {
    kind: "map",
    item: object(
      { host, lan: texts, router: { kind: "choice", of: ["gateway", "static", "host-only"] } },
      { underlayMtu: number, id: number },
    ),
  },
  devices: { kind: "map", item: object({}, { id: number, keyVersion: number }) },
  services: {
    kind: "map",
    item: object(
      { at: { kind: "either", text, object: host }, port: number },
      {
        audience: { kind: "choice", of: ["intranet", "internet"] },
        protocol: { kind: "choice", of: ["https", "tcp"] },
        id: number,
        user: text,
      },
    ),
  },
  links: {
    kind: "list",
    item: object(
      { from: text, to: text },
      {
        endpoint: object({ address: text, port: number }, { sparePort: number }),
        cost: number,
        area: number,
        id: number,
        keyVersion: number,
        drained: flag,
      },
    ),
  },
  dns: object(
    { at: texts },
    {
      forwarders: texts,
      rootServers: { kind: "map", item: texts },
      trustAnchors: texts,
      publicName: text,
      keyVersion: number,
      extraRecords: { kind: "list", item: record },
    },
  ),
  certificateAuthority: object(
    { at: text },
    { source: stepCaSource, organisation: text, leafLifetime: text, renewInterval: text, intermediateVersion: number },
  ),
  publicCertificates: object({}, { directory: text, issuer: text, rootCertificate: text, email: text }),
} as const satisfies Record<string, Shape>;

/** The fields of `IntranetSpec` that may be left out. */
export const OPTIONAL_FIELDS: ReadonlySet<string> = new Set([
  "pools",
  "devices",
  "services",
  "links",
  "dns",
  "certificateAuthority",
  "publicCertificates",
]);

/**
 * The value where it has the shape, else undefined with the problems noted. An ill-shaped entry of a map is left out
 * and the others are kept; an ill-shaped optional field is left out.
 */
export function conform(value: unknown, shape: Shape, path: string, issues: Issues): unknown {
  switch (shape.kind) {
    case "string":
    case "number":
    case "boolean":
      return typeof value === shape.kind ? value : wrong(value, `a ${shape.kind}`, path, issues);
    case "choice":
      return typeof value === "string" && shape.of.includes(value)
        ? value
        : wrong(value, `one of ${shape.of.join(", ")}`, path, issues);
    case "either":
      return typeof value === "string" ? value : conform(value, shape.object, path, issues);
    case "list":
      return conformList(value, shape.item, path, issues);
    case "map":
      return conformMap(value, shape.item, path, issues);
    case "object":
      return conformObject(value, shape.required, shape.optional, path, issues);
    default: {
      const never: never = shape;
      throw new Error(`unknown shape ${show(never)}`);
    }
  }
}

function wrong(value: unknown, expected: string, path: string, issues: Issues): undefined {
  issues.add(path, `must be ${expected}`, [show(value)], value === undefined ? `add ${path}` : `write ${expected}`);
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function conformList(value: unknown, item: Shape, path: string, issues: Issues): unknown {
  if (!Array.isArray(value)) return wrong(value, "a list", path, issues);
  const items = value.map((entry, index) => conform(entry, item, `${path}[${index}]`, issues));
  return items.some((entry) => entry === undefined) ? undefined : items;
}

function conformMap(value: unknown, item: Shape, path: string, issues: Issues): unknown {
  if (!isRecord(value)) return wrong(value, "a map from names", path, issues);
  const kept = Object.entries(value).map(
    ([name, entry]) => [name, conform(entry, item, `${path}.${name}`, issues)] as const,
  );
  return Object.fromEntries(kept.filter(([, entry]) => entry !== undefined));
}

function conformObject(
  value: unknown,
  required: Readonly<Record<string, Shape>>,
  optional: Readonly<Record<string, Shape>>,
  path: string,
  issues: Issues,
): unknown {
  if (!isRecord(value)) return wrong(value, "an object", path, issues);
  const before = issues.count;
  const known = { ...required, ...optional };
  for (const key of Object.keys(value)) {
    if (!(key in known))
      issues.add(
        `${path}.${key}`,
        "is not known here",
        [show(value[key])],
        `known are ${Object.keys(known).join(", ")}`,
      );
  }
  const result: Record<string, unknown> = {};
  for (const [key, shape] of Object.entries(required))
    result[key] = conform(value[key], shape, `${path}.${key}`, issues);
  const complete = issues.count === before;
  for (const [key, shape] of Object.entries(optional)) {
    if (value[key] === undefined) continue;
    const part = conform(value[key], shape, `${path}.${key}`, issues);
    if (part !== undefined) result[key] = part;
  }
  return complete || Object.keys(required).every((key) => result[key] !== undefined) ? result : undefined;
}
