// `connection`, as @pulumi/command 1.2.1 has it: read from known fields alone, with their defaults.
import type { CheckFailure } from "@pulumi/pulumi/provider";
import { failure } from "../common/plugin";
import { hasUnknown, isObject, type Properties } from "../common/values";
import { type HostKey, parseHostKey } from "./host-key";

/** Where and as whom to connect. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The only key that is accepted. */
  readonly hostKey: HostKey;
  readonly password?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  /** The agent's socket; SSH_AUTH_SOCK when neither it nor a key or password is given. */
  readonly agentSocketPath?: string;
  /** Tries until giving up; -1 means never. */
  readonly dialErrorLimit: number;
  /** Seconds that one try may take; 0 means no limit. */
  readonly perDialTimeout: number;
  /** The host to go through. */
  readonly proxy?: Endpoint;
}

const textFields = ["host", "user", "hostKey", "password", "privateKey", "privateKeyPassword", "agentSocketPath"];
const numberFields = ["port", "dialErrorLimit", "perDialTimeout"];

/**
 * What is wrong with a connection. Unknown fields are refused by name; no value is ever repeated, for any may be
 * secret. Fields that are not known yet are not looked at.
 */
export function checkConnection(value: unknown, path = "connection"): CheckFailure[] {
  if (value === undefined) return [failure(path, `"${path}" is required`)];
  if (!isObject(value))
    return hasUnknown(value) ? [] : [failure(path, `"${path}" must be an object with at least host and hostKey`)];
  const failures: CheckFailure[] = [];
  for (const [key, entry] of Object.entries(value)) {
    const field = `${path}.${key}`;
    if (hasUnknown(entry)) continue;
    if (key === "proxy" && path === "connection") failures.push(...checkConnection(entry, field));
    else if (textFields.includes(key))
      failures.push(...(typeof entry === "string" ? [] : [failure(field, `"${field}" must be a text`)]));
    else if (numberFields.includes(key))
      failures.push(...(typeof entry === "number" ? [] : [failure(field, `"${field}" must be a number`)]));
    else
      failures.push(
        failure(
          field,
          `"${field}" is no field of a connection; the fields are ${[...textFields, ...numberFields, "proxy"].join(", ")}`,
        ),
      );
  }
  if (value.host === undefined) failures.push(failure(`${path}.host`, `"${path}.host" is required`));
  return [...failures, ...checkHostKey(value.hostKey, path)];
}

function checkHostKey(hostKey: unknown, path: string): CheckFailure[] {
  const field = `${path}.hostKey`;
  if (hostKey === undefined) {
    return [
      failure(
        field,
        `"${field}" is required: a host whose key is not pinned could be anyone. \`ssh-keyscan HOST\` prints it; compare it on the host's console`,
      ),
    ];
  }
  if (typeof hostKey !== "string" || hasUnknown(hostKey)) return [];
  try {
    parseHostKey(hostKey);
    return [];
  } catch (error) {
    return [failure(field, (error as Error).message.replace("connection.hostKey", field))];
  }
}

/** The endpoint that a checked connection describes. Throws on what {@link checkConnection} would refuse. */
export function endpointOf(value: unknown): Endpoint {
  const problems = checkConnection(value);
  if (problems.length > 0 || !isObject(value)) throw new Error(problems.map(({ reason }) => reason).join("; "));
  return build(value);
}

function build(value: Properties): Endpoint {
  const text = (key: string) => (typeof value[key] === "string" && value[key] !== "" ? value[key] : undefined);
  const number = (key: string, absent: number) => (typeof value[key] === "number" ? value[key] : absent);
  const own = text("privateKey") ?? text("password");
  return {
    host: String(value.host),
    port: number("port", 22),
    user: text("user") ?? "root",
    hostKey: parseHostKey(String(value.hostKey)),
    password: text("password"),
    privateKey: text("privateKey"),
    privateKeyPassword: text("privateKeyPassword"),
    agentSocketPath:
      text("agentSocketPath") ?? (own === undefined ? process.env.SSH_AUTH_SOCK || undefined : undefined),
    dialErrorLimit: number("dialErrorLimit", 10),
    perDialTimeout: number("perDialTimeout", 15),
    ...(isObject(value.proxy) ? { proxy: build(value.proxy) } : {}),
  };
}

/** The endpoint as people write it. */
export function nameOf({ user, host, port }: Pick<Endpoint, "user" | "host" | "port">): string {
  return `${user}@${host.includes(":") ? `[${host}]` : host}:${port}`;
}
