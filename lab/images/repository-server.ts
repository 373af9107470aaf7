/**
 * The server of the hosts' package repository: plain files of one directory below /debian/, and those of step-ca's own
 * repository below /stable/ and /keys/. Arguments: directory, addresses.
 */
import { createReadStream, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as path from "node:path";
import { STEP_CA_FOLDER } from "./step-ca-repository";

/** Answers GET and HEAD for `/debian/<file>`, and for paths of `step-ca/` in the directory; everything else is 404. */
export function serveFile(directory: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? "/", "http://packages");
  const parts = decodeURIComponent(pathname)
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  const flat = parts[0] === "debian" && parts.length === 2;
  const known = !parts.includes("..") && (flat || parts[0] === "stable" || parts[0] === "keys");
  const file = path.join(directory, ...(flat ? parts.slice(1) : [STEP_CA_FOLDER, ...parts]));
  const found = known && statSync(file, { throwIfNoEntry: false });
  if (!found || !found.isFile() || !["GET", "HEAD"].includes(request.method ?? "")) {
    response.writeHead(404, { "content-length": 0 }).end();
    return;
  }
  response.writeHead(200, {
    "content-length": found.size,
    "last-modified": found.mtime.toUTCString(),
    "content-type": "application/octet-stream",
  });
  if (request.method === "HEAD") response.end();
  else createReadStream(file).pipe(response);
}

if (require.main === module) {
  const [directory, ...addresses] = process.argv.slice(2) as [string, ...string[]];
  for (const address of addresses)
    createServer((request, response) => serveFile(directory, request, response)).listen(80, address);
}
