/**
 * The server of the hosts' package repository: plain files of one directory below /debian/. Arguments: directory,
 * addresses.
 */
import { createReadStream, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as path from "node:path";

/** Answers GET and HEAD for `/debian/<file>`; everything else is 404. */
export function serveFile(directory: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? "/", "http://packages");
  const parts = decodeURIComponent(pathname)
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  const file = path.join(directory, parts[1] ?? "");
  const found =
    parts[0] === "debian" && parts.length === 2 && parts[1] !== ".." && statSync(file, { throwIfNoEntry: false });
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
