/**
 * The services of a lab: public names, the two clouds, the package repository, the certificate authority, the
 * operator's SSH agent.
 */
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { KEY_LABELS, SERVICES } from "../constants";
import { imageDir } from "../images/image";
import { repositoryDir } from "../images/repository";
import { deriveSshKey } from "../keys";
import type { NamesOptions, NamesService } from "../machines";
import type { InstancePaths } from "../paths";
import { startNames } from "../names";
import { run, start, until } from "../process";
import { acmeListens, acmeProgram } from "./acme";
import { SERVICES_NS } from "./internet";
import { inNamespace } from "./net";
import { Program, spawnIn } from "./programs";

/** On a machine that is busy, Node alone takes seconds to start. */
const CLOUDS_START_MS = 60_000;

/** Starts, stops and restarts the services of one instance. */
export class FabricServices {
  private namesService: NamesService | undefined;
  private readonly clouds: Program;
  private readonly packages: Program;
  private readonly acme: Program;
  private readonly agent: Program;

  constructor(private readonly paths: InstancePaths) {
    const log = (name: string): string => path.join(paths.logs, `${name}.log`);
    const program = (file: string): string => path.join(__dirname, "..", file);
    this.clouds = new Program("clouds", () =>
      spawnIn(
        SERVICES_NS,
        [process.execPath, "--enable-source-maps", program("clouds/main.js"), paths.dir, paths.socket],
        log("clouds"),
      ),
    );
    this.packages = new Program("packages", () => {
      const { ipv4, ipv6 } = SERVICES.packages;
      return spawnIn(
        SERVICES_NS,
        [process.execPath, program("images/repository-server.js"), repositoryDir(imageDir("server")), ipv4, ipv6],
        log("packages"),
      );
    });
    this.acme = acmeProgram(paths, SERVICES_NS);
    this.agent = new Program("agent", () => {
      rmSync(paths.agentSocket, { force: true });
      return start(["ssh-agent", "-D", "-a", paths.agentSocket], log("agent"));
    });
  }

  /** Starts all of them; names before the clouds, which publish into them. */
  async start(): Promise<void> {
    this.packages.start();
    this.acme.start();
    await Promise.all([this.startAgent(), this.startNames(), acmeListens(SERVICES_NS)]);
    await this.startClouds();
  }

  /** Ends what has state that a snapshot copies. */
  async stopClouds(): Promise<void> {
    await this.clouds.stop();
  }

  /** Starts the clouds, and returns when they answer. Needs the supervisor's interface. */
  async startClouds(): Promise<void> {
    this.clouds.start();
    const { ipv4, ipv6 } = SERVICES.cloudflare; // the last addresses that they listen on
    await until("the clouds", CLOUDS_START_MS, async () => {
      const sockets = await run(inNamespace(SERVICES_NS, ["ss", "-H", "-l", "-n", "-t"]));
      return [`${ipv4}:80 `, `[${ipv6}]:80 `].every((address) => sockets.includes(address));
    });
  }

  /** Ends the name service. */
  async stopNames(): Promise<void> {
    await this.namesService?.stop();
    this.namesService = undefined;
  }

  /** Starts the name service from its state on disk. */
  async startNames(): Promise<void> {
    mkdirSync(this.paths.dns, { recursive: true });
    const options: NamesOptions = {
      directory: this.paths.dns,
      logs: this.paths.logs,
      namespace: SERVICES_NS,
      spawn: spawnIn,
    };
    this.namesService = await startNames(options);
  }

  /** The name service. Throws while it is not running. */
  get names(): NamesService {
    if (!this.namesService)
      throw new Error("the lab's name service is not running; see logs/ in the instance's directory");
    return this.namesService;
  }

  /** Which of them run. */
  status(): Record<string, boolean> {
    const programs = [this.clouds, this.packages, this.acme, this.agent].map(
      (program) => [program.name, program.running] as const,
    );
    return { names: this.namesService !== undefined, ...Object.fromEntries(programs) };
  }

  private async startAgent(): Promise<void> {
    const { operatorKey, agentSocket } = this.paths;
    const key = deriveSshKey(KEY_LABELS.operator, "operator@lab");
    writeFileSync(operatorKey, key.privateKey, { mode: 0o600 });
    chmodSync(operatorKey, 0o600);
    writeFileSync(`${operatorKey}.pub`, `${key.publicKey} operator@lab\n`);
    this.agent.start();
    await until("the operator's ssh-agent", 5000, () => existsSync(agentSocket));
    await run(["ssh-add", "-q", operatorKey], { env: { SSH_AUTH_SOCK: agentSocket } });
  }
}
