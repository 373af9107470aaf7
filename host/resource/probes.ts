/** The grammar of what a probe asks. Pure. */
import { parseAddress } from "../../model";
import { isUnknown } from "./inputs";
import { RULES, type Rule } from "./grammar";

/** The kinds of probes that the agent asks by itself; the other kind is `command`. */
export const QUESTIONS = ["http", "https", "tls", "tcp"] as const;

const whole = (least: number, most: number): Rule => ({
  test: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  says: `must be a whole number from ${least} to ${most}`,
});
const matches = (pattern: RegExp, says: string): Rule => ({
  test: (value) => typeof value === "string" && pattern.test(value),
  says,
});

const ADDRESS: Rule = {
  test: (value) => typeof value === "string" && parseAddress(value) !== undefined,
  says: "must be one IPv4 or IPv6 address, without brackets",
};
const PORT = whole(1, 65535);
// RFC 9110, 7.2 and RFC 1123, 2.1; also an underscore, which some have. Nothing that could end the header's line.
const NAME = matches(/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/, "must be a host name, without a port");
const PATH = matches(/^\/[\x21-\x7e]*$/, "must begin with a slash and hold no blank");

interface Field {
  readonly rule: Rule;
  readonly needed: boolean;
}
const needed = (rule: Rule): Field => ({ rule, needed: true });
const offered = (rule: Rule): Field => ({ rule, needed: false });

const WEB = {
  address: needed(ADDRESS),
  port: offered(PORT),
  host: needed(NAME),
  path: offered(PATH),
  status: needed(whole(100, 599)),
};
const FIELDS: Record<(typeof QUESTIONS)[number], Record<string, Field>> = {
  http: WEB,
  https: { ...WEB, roots: offered(RULES.path) },
  tls: { address: needed(ADDRESS), port: offered(PORT), name: needed(NAME), roots: needed(RULES.path) },
  tcp: { address: needed(ADDRESS), port: needed(PORT) },
};

/** What is wrong with a question: its path below the probe, and the reason. What is not known yet passes. */
export function questionProblems(
  kind: (typeof QUESTIONS)[number],
  question: unknown,
): { path: string; reason: string }[] {
  if (isUnknown(question)) return [];
  const fields = FIELDS[kind];
  const names = Object.keys(fields);
  if (typeof question !== "object" || question === null || Array.isArray(question))
    return [{ path: kind, reason: `must be an object (${names.join(", ")})` }];
  const given = question as Record<string, unknown>;
  const strange = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => ({
      path: `${kind}.${name}`,
      reason: `is no known argument here (${names.join(", ")}); remove it`,
    }));
  const wrong = Object.entries(fields).flatMap(([name, { rule, needed }]) => {
    const value = given[name];
    if ((value === undefined && !needed) || isUnknown(value) || rule.test(value)) return [];
    return [{ path: `${kind}.${name}`, reason: value === undefined ? `is missing; it ${rule.says}` : rule.says }];
  });
  return [...strange, ...wrong];
}
