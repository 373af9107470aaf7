import type { Connection } from "../connection/arguments";
import { isUnknown } from "./inputs";

/** What tells one host from another within a program; undefined while its address is not known. */
export function placeKey(connection: Connection | string): string | undefined {
  if (typeof connection === "string" || isUnknown(connection.address) || isUnknown(connection.port)) return undefined;
  const via = connection.via === undefined ? "" : placeKey(connection.via);
  return via === undefined ? undefined : `${connection.address.toLowerCase()} ${connection.port ?? 22} ${via}`;
}
