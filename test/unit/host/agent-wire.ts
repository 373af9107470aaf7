/** What goes over the wire to the agent and back, for SSH servers of the tests that stand in for a host. */
import { inflateSync } from "node:zlib";

/** The request is the last of what is sent, after its length in a line; a long one is compressed. */
export function requestOf(input: Buffer): { action: string; [field: string]: unknown } {
  const lines = [...input.toString("latin1").matchAll(/(\d+)\n/g)];
  const head = lines.find((line) => line.index + line[0].length + Number(line[1]) === input.length)!;
  const body = input.subarray(head.index + head[0].length);
  return JSON.parse((body[0] === 0x7b ? body : inflateSync(body)).toString()); // {
}

/** How the agent ends with these fields as its answer. */
export function resultOf(fields: object): { stdout: string; code: number } {
  return { stdout: `{"event": "result", ${JSON.stringify(fields).slice(1)}\n`, code: 0 };
}
