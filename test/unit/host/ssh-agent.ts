/** An SSH agent on a socket, with keys of the test's own. */
import { createServer, type Server } from "node:net";
import { type AgentInboundRequest, AgentProtocol, type ParsedKey, utils } from "ssh2";
import type { KeyPair } from "./ssh-server";

/** Answers which keys it has and signs with them, as ssh-agent(1) does. */
export class TestAgent {
  private readonly keys: ParsedKey[];
  private readonly server: Server;

  constructor(
    readonly path: string,
    keys: readonly KeyPair[],
  ) {
    this.keys = keys.map((pair) => utils.parseKey(pair.private) as ParsedKey);
    this.server = createServer((socket) => {
      const protocol = new AgentProtocol(false);
      protocol.on("identities", (request: AgentInboundRequest) => protocol.getIdentitiesReply(request, this.keys));
      protocol.on("sign", (request: AgentInboundRequest, asked: ParsedKey, data: Buffer) => {
        const key = this.keys.find((one) => one.getPublicSSH().equals(asked.getPublicSSH()));
        const signature = key?.sign(data);
        if (signature === undefined || signature instanceof Error) protocol.failureReply(request);
        else protocol.signReply(request, signature);
      });
      socket.on("error", () => undefined);
      socket.pipe(protocol).pipe(socket);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.path, resolve));
  }

  async close(): Promise<void> {
    if (this.server.listening) await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
