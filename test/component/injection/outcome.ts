/** What becomes of arguments: refused, by whom and with which words, or carried to resources. */
import { checkRole } from "../../../host/resource/check";
import { applyRequest } from "../../../host/resource/request";
import type { RoleInputs } from "../../../host/resource/inputs";
import { RootProvider } from "../../../host/keys/authority-provider";
import { ValidationError } from "../../../model";
import { registered, settled, startMocks, TYPES, type Registered } from "../mocks";
import type { Sample } from "./sample";

/** How it ended. */
export type Outcome =
  | {
      readonly refused: true;
      /** Arguments that were named. */
      readonly paths: readonly string[];
      readonly message: string;
    }
  | { readonly refused: false; readonly resources: readonly Registered[] };

const SECRET = "4dabf18193072939515e22adb298388d";

/** A value as the provider gets it: without the marks of secrets. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (SECRET in value) return plain((value as { value?: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** The files of a role as they go to the host, placeholders filled. */
export function filesOf(resource: Registered): Record<string, string> {
  const request = applyRequest(plain(resource.inputs) as RoleInputs, "id", "tx");
  return Object.fromEntries(
    Object.entries((request as { files: Record<string, { content: string }> }).files).map(([path, file]) => [
      path,
      file.content,
    ]),
  );
}

/** Makes the component, and asks the providers of the resources that it registered, as the engine would. */
export async function outcomeOf(sample: Sample, args: object): Promise<Outcome> {
  if (sample.type === "HostRoleArgs") {
    const failures = checkRole(args);
    return refusal(failures) ?? { refused: false, resources: [] };
  }
  await startMocks();
  try {
    sample.make(args as never);
  } catch (error) {
    if (!(error instanceof ValidationError)) return { refused: true, paths: [], message: String(error) };
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    const made = registered.filter(({ type }) => type.startsWith("intranet:")).map(({ type }) => type);
    if (made.length > 0) return { refused: true, paths: [], message: `refused after ${made.join(", ")}` };
    return { refused: true, paths: error.issues.map(({ path }) => path), message: error.message };
  }
  await settled();
  if (registered.length === 0) throw new Error(`${sample.type} made nothing`);
  const failures = (await Promise.all(registered.map(providersCheck))).flat();
  return refusal(failures) ?? { refused: false, resources: [...registered] };
}

function refusal(failures: { property: string; reason: string }[]): Outcome | undefined {
  if (failures.length === 0) return undefined;
  const message = failures.map(({ reason }) => reason).join("\n");
  return { refused: true, paths: failures.map(({ property }) => property), message };
}

async function providersCheck({ type, inputs }: Registered): Promise<{ property: string; reason: string }[]> {
  if (type === TYPES.role) return checkRole(plain(inputs) as object);
  if (type === TYPES.rootCertificate) return (await new RootProvider().check({}, plain(inputs) as never)).failures;
  return [];
}
