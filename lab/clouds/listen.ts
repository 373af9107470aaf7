import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";

/** One address and port to listen on. */
export interface Endpoint {
  /** IPv4 or IPv6 address, without brackets. */
  address: string;
  /** TCP port; 0: any free one. */
  port: number;
}

/**
 * Reads `ADDRESS:PORT`, IPv6 in brackets: `192.0.2.10:80`, `[2001:db8:0:1::10]:80`.
 * @throws Error that names the text and the form when it is anything else
 */
export function parseEndpoint(text: string): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+|localhost)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) {
    throw new Error(`"${text}" is not an endpoint; write ADDRESS:PORT, with an IPv6 address in brackets`);
  }
  return { address: (match[1] ?? match[2]) as string, port };
}

/** Servers in front of one application. */
export interface Listeners {
  /** Base URLs in the order of the endpoints, without a trailing slash. */
  urls: string[];
  /** Stops listening, ends idle connections and closes the application. */
  close(): Promise<void>;
}

/**
 * Serves one application on several addresses (fastify's own listen knows one). `front` gets each request in place of
 * the application.
 * @throws the error of listen(2), for example EADDRINUSE; what listened until then is closed
 */
export async function listen(
  app: FastifyInstance,
  endpoints: Endpoint[],
  front: RequestListener = (request, response) => app.routing(request, response),
): Promise<Listeners> {
  await app.ready();
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer));
    await app.close();
  };
  try {
    for (const endpoint of endpoints) {
      const server = createServer(front);
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host: endpoint.address, port: endpoint.port, ipv6Only: true }, () => resolve());
      });
      servers.push(server);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { urls: servers.map(urlOf), close };
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
