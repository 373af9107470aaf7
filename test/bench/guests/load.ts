/**
 * The two ends of the guests' benchmark: services that answer a TLS hello, and guests that send one. They speak no TLS:
 * only the proxy is measured.
 */
import * as net from "node:net";
import { Duplex } from "node:stream";
import * as tls from "node:tls";

/** What each service sends for a hello: one byte, or so many MiB. */
export const BULK_MIB = 256;
const CHUNK = Buffer.alloc(1 << 20, 0x55);

/** The bytes of a TLS client's first message for that name. */
export function helloFor(name: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const line = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        resolve(chunk);
        done();
      },
    });
    tls.connect({ socket: line as net.Socket, servername: name }).on("error", () => undefined);
  });
}

/** A service: one byte for each hello, or `BULK_MIB`. */
export function serve(address: string, bulk: boolean): net.Server {
  const server = net.createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      if (!bulk) return void socket.end("x");
      let left = BULK_MIB;
      const more = (): void => {
        while (left > 0) {
          left -= 1;
          if (!socket.write(CHUNK)) return void socket.once("drain", more);
        }
        socket.end();
      };
      more();
    });
  });
  return server.listen({ port: 443, host: address, backlog: 4096 });
}

/** One guest: connects, says hello, reads to the end. Resolves with the bytes that came. */
function visit(port: number, hello: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const socket = net.connect({ host: "127.0.0.1", port });
    socket.on("connect", () => socket.write(hello));
    socket.on("data", (chunk) => (bytes += chunk.length));
    socket.on("error", reject);
    socket.on("close", () => resolve(bytes));
  });
}

/**
 * So many guests one after the other in each of some lanes, for that long; resolves with how many there were and what
 * came.
 */
export async function visits(
  port: number,
  hello: Buffer,
  lanes: number,
  seconds: number,
): Promise<{ guests: number; bytes: number; seconds: number }> {
  const begun = performance.now();
  let [guests, bytes] = [0, 0];
  const lane = async (): Promise<void> => {
    do {
      const came = await visit(port, hello);
      if (came === 0) throw new Error(`a guest at port ${port} got nothing`);
      guests += 1;
      bytes += came;
    } while (performance.now() - begun < seconds * 1000);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { guests, bytes, seconds: (performance.now() - begun) / 1000 };
}

/**
 * As a program of its own: `load.js serve`, or `load.js visit PORT NAME LANES SECONDS`, which prints what it saw as
 * JSON.
 */
async function main([what, port, name, lanes, seconds]: string[]): Promise<void> {
  if (what === "serve") {
    serve(SMALL.address, false);
    serve(BULK.address, true);
    return;
  }
  const seen = await visits(Number(port), await helloFor(name!), Number(lanes), Number(seconds));
  process.stdout.write(JSON.stringify(seen));
}

/** The service that answers with one byte. */
export const SMALL = { name: "small.intranet.example", address: "2001:db8:64::7" } as const;
/** The service that answers with `BULK_MIB`. */
export const BULK = { name: "bulk.intranet.example", address: "2001:db8:64::8" } as const;

if (require.main === module) void main(process.argv.slice(2));
