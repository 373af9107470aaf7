/** Changes that lock the operator out, each on a host of its own, so that one `up` makes them all at once. */
import type { ConnectionArgs } from "pulumi-intranet/host";
import { firewallRole } from "../../components/host-identity/roles";
import { FIXED_HOSTS } from "../../lab/constants";
import type { Trial, TrialRole } from "./host-program/trial";
import { execOk } from "./support";

/**
 * The hosts: three servers of the cloud, and home. The fourth server is the far end of a tunnel
 * (host-program/tunnel.ts).
 */
export const SERVERS = ["wall", "login", "nowhere", "far"] as const;
/** Seconds after which two of the hosts undo what nobody has confirmed; the others have the default, 60. */
export const SECONDS = 40;

/** What a server of the trial is for. */
export type ServerName = (typeof SERVERS)[number];

/** The prefix of the servers' names in the lab. */
export const PREFIX = "way";

/** The name in the lab of a server of the trial, or of home. */
export function labName(name: string): string {
  const index = (SERVERS as readonly string[]).indexOf(name);
  return index < 0 ? name : `${PREFIX}-${index + 1}`;
}

/** A role in its good variants, which differ in a harmless line, and the ways in which it locks everybody out. */
interface LockOut {
  good: (line: number) => TrialRole;
  bad: (way: number) => TrialRole;
}

const RULES = [
  "table inet intranet",
  "delete table inet intranet",
  "table inet intranet {",
  "chain input {",
  "type filter hook input priority filter; policy accept;",
  "ct state invalid drop", // the kernel follows connections from the beginning
];
/** The first lets what is established through, and SSH over IPv6; the second drops every packet of SSH's. */
const WALLS = [
  ["ct state established,related accept", "meta nfproto ipv4 tcp dport 22 drop"],
  ["tcp dport 22 drop", "tcp sport 22 drop"],
];
const SSHD = [
  "Match User root\n\tPubkeyAuthentication no\n",
  "AuthorizedKeysFile /nowhere/authorized_keys\n",
  "PubkeyAuthentication no\n",
];
const SSHD_FILE = "/etc/ssh/sshd_config.d/05-trial.conf";
const NETWORK_FILE = "/etc/systemd/network/05-trial.network";

/** A packet filter with these rules, made by the component's own role. */
function filter(rules: readonly string[], more: Partial<TrialRole> = {}): TrialRole {
  const { role: _, ...content } = firewallRole("filter", [...RULES, ...rules, "}", "}", ""].join("\n"));
  return { ...content, ...more } as TrialRole;
}

/**
 * On home: what is established goes on, IPv6 as well, and nobody else gets in. `seconds`: the time for the
 * confirmation.
 */
export function gate(shut: boolean, seconds = SECONDS): TrialRole {
  return filter(shut ? WALLS[0]! : [], { confirm: { timeoutSeconds: seconds } });
}

function wall(connection: ConnectionArgs): LockOut {
  return {
    good: (line) => filter([`udp dport ${40000 + line} drop`], { connection }),
    bad: (way) => filter(WALLS[way % WALLS.length]!, { connection }),
  };
}

/** Says nothing about confirmation: what it touches is enough. The time is then the default, a minute. */
function login(connection: ConnectionArgs): LockOut {
  const role = (content: string): TrialRole => ({
    connection,
    files: { [SSHD_FILE]: { content } },
    units: { "ssh.service": { reloadOn: [SSHD_FILE] } },
  });
  return { good: (line) => role(`LoginGraceTime ${90 + line}\n`), bad: (way) => role(SSHD[way % SSHD.length]!) };
}

/** The host's own file for its one interface, in which a word is wrong. */
function network(connection: ConnectionArgs, own: string, right: string, wrong: string): LockOut {
  const role = (content: string): TrialRole => ({
    connection,
    files: { [NETWORK_FILE]: { content } },
    units: { "systemd-networkd.service": { reloadOn: [NETWORK_FILE] } },
    confirm: { timeoutSeconds: SECONDS },
  });
  if (!own.includes(right)) throw new Error(`no ${right} in:\n${own}`);
  return {
    good: (line) => role(`# ${line}\n${own}`),
    bad: () => role(own.replaceAll(right, wrong)),
  };
}

/** What the hosts' roles are: all good, or every one of them a lock-out. */
export class LockOuts {
  private constructor(private readonly parts: Record<string, LockOut>) {}

  /** @param servers how the servers are reached. */
  static async of(servers: Record<ServerName, ConnectionArgs>): Promise<LockOuts> {
    const home = FIXED_HOSTS.find(({ name }) => name === "home")!;
    const standard = undefined as unknown as ConnectionArgs; // home's own, which the program knows
    return new LockOuts({
      wall: wall(servers.wall),
      login: login(servers.login),
      nowhere: network(
        servers.nowhere,
        await execOk(labName("nowhere"), ["cat", "/run/systemd/network/10-netplan-eth0.network"]),
        "Gateway=172.31.1.1\n",
        "Gateway=172.31.1.99\n",
      ),
      home: network(
        standard,
        await execOk("home", ["cat", "/etc/systemd/network/10-lan.network"]),
        `${home.ipv4}/24`,
        `${home.ipv4.replace(/\d+$/, "77")}/24`,
      ),
    });
  }

  /** Roles that let everybody in; another `line` makes a change that hurts nobody. */
  good(line: number): Trial["roles"] {
    return this.each((part) => part.good(line));
  }

  /** Roles that let nobody in, in one `way` or another. */
  bad(way: number): Trial["roles"] {
    return this.each((part) => part.bad(way));
  }

  private each(role: (part: LockOut) => TrialRole): Trial["roles"] {
    return Object.fromEntries(Object.entries(this.parts).map(([name, part]) => [name, role(part)]));
  }
}
