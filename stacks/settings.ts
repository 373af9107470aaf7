/**
 * A stack's configuration as arguments: every setting is read, and what cannot be read is said with all else that is
 * wrong.
 */
import { Issues, type Issue } from "../model";

/**
 * How a setting is written: as text, or as YAML of any other form (`pulumi config set --path`), which Pulumi hands on
 * as JSON.
 */
export type Kind = "text" | "data";

/**
 * The settings of one project.
 *
 * @param kinds every setting there is
 * @param all the whole configuration, as `pulumi.runtime.allConfig` has it: `PROJECT:KEY` to text
 * @returns what is set, by its key; what is not set is left out
 * @throws ValidationError for keys that are not known, which may be misspelt and would pass silently, and for what is
 * no JSON. Values are not shown, for they may be secrets.
 */
export function readSettings<K extends string>(
  project: string,
  kinds: Readonly<Record<K, Kind>>,
  all: Readonly<Record<string, string>>,
): Partial<Record<K, unknown>> {
  const issues = new Issues();
  const given: Partial<Record<K, unknown>> = {};
  for (const [name, value] of Object.entries(all)) {
    const [of, ...rest] = name.split(":");
    if (of !== project) continue;
    const key = rest.join(":");
    if (!Object.hasOwn(kinds, key)) issues.add(...unknown(project, key, Object.keys(kinds)));
    else if (kinds[key as K] === "text") given[key as K] = value;
    else given[key as K] = parsed(value, name, issues);
  }
  issues.throwIfAny(`configuration of ${project}`);
  return given;
}

/** Issue's parts, as `Issues.add` takes them. */
type Parts = [Issue["path"], Issue["rule"], Issue["values"], Issue["help"]];

function unknown(project: string, key: string, known: string[]): Parts {
  const remove = `pulumi config rm ${project}:${key}`;
  return [
    `${project}:${key}`,
    "is no setting",
    [],
    `known are ${known.join(", ")}; correct its name, or \`${remove}\``,
  ];
}

function parsed(value: string, name: string, issues: Issues): unknown {
  try {
    return JSON.parse(value);
  } catch {
    issues.add(name, "is text, and must be a map, a list, true or false", [], "see stacks/Pulumi.prod.example.yaml");
    return undefined;
  }
}
