/** Commands about one host: exec, ssh, reset, off, on, logs. */
import { readFileSync, existsSync } from "node:fs";
import * as path from "node:path";
import type { Command } from "commander";
import { FIXED_HOSTS, KEY_LABELS } from "../constants";
import { FabricClient } from "../fabric-client";
import { deriveSshKey } from "../keys";
import { execArgv, operatorArgv, requireLab } from "../lab-process";
import type { InstancePaths } from "../paths";
import { attach } from "../process";

/** Adds the commands. `paths` finds the lab by its options. */
export function hostCommands(
  program: Command,
  paths: (options?: { name?: string }) => InstancePaths,
  progress: (line: string) => void,
): void {
  program
    .command("exec")
    .description(
      "run a command inside a host, or in the namespace of a router (internet, services, operator, home-router, … one for each site)",
    )
    .usage("HOST -- COMMAND...")
    .argument("<host>", "name of the host")
    .argument("<command...>", "the command and its arguments; its exit code becomes ours")
    .passThroughOptions()
    .action(async (host: string, command: string[]) => {
      const instance = paths();
      const argv = command[0] === "--" ? command.slice(1) : command;
      process.exitCode = await attach(execArgv(instance, await requireLab(instance), host, argv));
    });

  program
    .command("ssh")
    .description("log in to a managed host as the operator")
    .usage("HOST [-- COMMAND...]")
    .argument("<host>", "name of the host")
    .argument("[command...]", "a command instead of a shell")
    .passThroughOptions()
    .action(async (host: string, command: string[]) => {
      const instance = paths();
      const argv = command[0] === "--" ? command.slice(1) : command;
      process.exitCode = await ssh(instance, host, argv);
    });

  for (const [name, what] of [
    ["reset", "cut the power of a host and boot it again, with a new network namespace and link"],
    ["off", "cut the power of a host"],
    ["on", "boot a host that is off"],
  ] as const) {
    program
      .command(name)
      .description(what)
      .argument("<host>", "name of the host")
      .action(async (host: string) => {
        const instance = paths();
        await requireLab(instance);
        const since = Date.now();
        await new FabricClient(instance.socket).post(`/hosts/${encodeURIComponent(host)}/${name}`);
        progress(`${host}: ${name === "off" ? "off" : `booted in ${((Date.now() - since) / 1000).toFixed(1)} s`}`);
      });
  }

  for (const [name, onLink, what] of [
    [
      "on-link",
      true,
      "deliver a server's IPv6 network on-link: the Internet asks for each address by neighbour discovery",
    ],
    ["routed", false, "route a server's whole IPv6 network to it again, as it is from the beginning"],
  ] as const) {
    program
      .command(name)
      .description(what)
      .argument("<server>", "name of the server")
      .action(async (server: string) => {
        const instance = paths();
        await requireLab(instance);
        await new FabricClient(instance.socket).post(`/hosts/${encodeURIComponent(server)}/deliver`, { onLink });
        progress(`${server}: ${name}`);
      });
  }

  program
    .command("logs")
    .description("the journal of a host, or what its console said; also the lab's own logs: supervisor, clouds, names")
    .argument("<host>", "name of the host, or supervisor, clouds, packages, …")
    .option("--console", "the console instead of the journal; also of a host that is off")
    .option("-n, --lines <number>", "how many lines", "100")
    .option("-f, --follow", "go on as more comes")
    .option("-u, --unit <unit>", "of one unit only")
    .action(async (host: string, options: { console?: boolean; lines: string; follow?: boolean; unit?: string }) => {
      process.exitCode = await logs(paths(), host, options);
    });
}

/**
 * Logs in from the operator's namespace; the host key of `home` is checked, that of a server is not known to the lab.
 */
async function ssh(instance: InstancePaths, name: string, command: readonly string[]): Promise<number> {
  const status = await requireLab(instance);
  const host = status.hosts.find((candidate) => candidate.name === name);
  if (!host)
    throw new Error(
      `no host ${JSON.stringify(name)} in the lab; there is ${status.hosts.map((known) => known.name).join(", ")}`,
    );
  if (!host.managed)
    throw new Error(`${name} is an unmanaged device without an SSH server; use: bin/lab exec ${name} -- bash`);
  if (FIXED_HOSTS.some((fixed) => fixed.name === name && fixed.managed === "enrolment"))
    throw new Error(
      `${name} is behind a router that lets nobody in, and has no key of the operator; use: bin/lab exec ${name} -- bash`,
    );
  const options = [
    "-o",
    "LogLevel=ERROR",
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=10",
    "-i",
    instance.operatorKey,
  ];
  if (name === "home") {
    const key = deriveSshKey(KEY_LABELS.homeHostKey).publicKey;
    options.push(
      "-o",
      `KnownHostsCommand=/bin/echo home ${key}`,
      "-o",
      "HostKeyAlias=home",
      "-o",
      "UserKnownHostsFile=/dev/null",
      "-o",
      "StrictHostKeyChecking=yes",
    );
  } else {
    options.push("-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no");
  }
  const argv = [
    "ssh",
    ...options,
    `root@${host.ipv4 ?? host.ipv6 ?? ""}`,
    ...(command.length > 0 ? ["--", ...command] : []),
  ];
  return attach(operatorArgv(instance, argv), { env: { ...process.env, SSH_AUTH_SOCK: instance.agentSocket } });
}

async function logs(
  instance: InstancePaths,
  name: string,
  options: { console?: boolean; lines: string; follow?: boolean; unit?: string },
): Promise<number> {
  if (!/^\d+$/.test(options.lines)) throw new Error(`--lines ${JSON.stringify(options.lines)}: expected a number`);
  if (!/^[a-z0-9][a-z0-9.-]*$/i.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a host or log`);
  const own = path.join(instance.logs, `${name}.log`);
  const file = options.console ? path.join(instance.logs, `${name}.console`) : own;
  if (options.console || existsSync(own)) {
    if (!existsSync(file)) throw new Error(`${name} has said nothing on its console`);
    if (options.follow) return attach(["tail", "-n", options.lines, "-f", file]);
    const lines = readFileSync(file, "utf8").replace(/\n$/, "").split("\n");
    process.stdout.write(`${lines.slice(-Number(options.lines)).join("\n")}\n`);
    return 0;
  }
  const status = await requireLab(instance);
  const journal = [
    "journalctl",
    "--no-pager",
    "-n",
    options.lines,
    ...(options.follow ? ["-f"] : []),
    ...(options.unit ? ["-u", options.unit] : []),
  ];
  return attach(execArgv(instance, status, name, journal));
}
