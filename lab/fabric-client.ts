/** The client of a lab's supervisor: for the cloud services, the command line and the tests. */
import { request } from "node:http";
import type { FirewallRule, Machines, Names, PowerState, ServerSpec, ZoneRecord } from "./machines";
import type { LabStatus } from "./supervisor-api";

/** The supervisor refused, or failed. */
export class FabricError extends Error {
  constructor(
    message: string,
    /** HTTP status: 404 for what does not exist, 409 for what cannot be, 500 for what went wrong. */
    readonly status: number,
  ) {
    super(message);
    this.name = "FabricError";
  }
}

/**
 * Speaks to the supervisor behind a unix socket. Connection errors reject with Node's own error (ENOENT, ECONNREFUSED:
 * no lab is running).
 */
export class FabricClient implements Machines, Names {
  constructor(
    /** Path of `supervisor.sock` of the instance. */
    private readonly socketPath: string,
  ) {}

  /** What runs. */
  status(): Promise<LabStatus> {
    return this.call("GET", "/status") as Promise<LabStatus>;
  }

  /** Looks at one thing by its path. */
  get(path: string): Promise<unknown> {
    return this.call("GET", path);
  }

  /** Does one thing by its path, for example `/hosts/home/reset`. */
  async post(path: string, body: unknown = {}): Promise<void> {
    await this.call("POST", path, body);
  }

  async createServer(spec: ServerSpec): Promise<void> {
    await this.invoke("machines", "createServer", spec);
  }
  async startServer(id: number): Promise<void> {
    await this.invoke("machines", "startServer", id);
  }
  async stopServer(id: number): Promise<void> {
    await this.invoke("machines", "stopServer", id);
  }
  async resetServer(id: number): Promise<void> {
    await this.invoke("machines", "resetServer", id);
  }
  async rebuildServer(id: number, image: string): Promise<void> {
    await this.invoke("machines", "rebuildServer", id, image);
  }
  async deleteServer(id: number): Promise<void> {
    await this.invoke("machines", "deleteServer", id);
  }
  async setAddresses(id: number, ipv4: string | undefined, ipv6: string | undefined): Promise<void> {
    await this.invoke("machines", "setAddresses", id, ipv4, ipv6);
  }
  async setFirewall(id: number, rules: FirewallRule[] | undefined): Promise<void> {
    await this.invoke("machines", "setFirewall", id, rules);
  }
  async powerState(id: number): Promise<PowerState> {
    return (await this.invoke("machines", "powerState", id)) as PowerState;
  }
  async publishZone(zone: string, records: ZoneRecord[]): Promise<void> {
    await this.invoke("names", "publishZone", zone, records);
  }
  async setReverse(ip: string, name: string | undefined): Promise<void> {
    await this.invoke("names", "setReverse", ip, name);
  }

  private async invoke(part: "machines" | "names", method: string, ...args: unknown[]): Promise<unknown> {
    const answer = (await this.call("POST", `/${part}/${method}`, { args: args.map((value) => value ?? null) })) as {
      result?: unknown;
    };
    return answer.result;
  }

  private call(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const headers =
        text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
      const outgoing = request({ socketPath: this.socketPath, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          try {
            const answer = JSON.parse(Buffer.concat(chunks).toString() || "{}") as { error?: string };
            if (status >= 200 && status < 300) resolve(answer);
            else reject(new FabricError(answer.error ?? `the lab's supervisor answered ${status}`, status));
          } catch {
            reject(new FabricError(`the lab's supervisor answered ${status} and no JSON`, status));
          }
        });
      });
      outgoing.on("error", reject);
      outgoing.end(text);
    });
  }
}
