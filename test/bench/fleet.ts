/** The benchmark's hosts: plain servers in a lab, put back to nothing, looked at, and listened to. */
import { deriveSshKey, type SshKey } from "../../lab/keys";
import { HETZNER_SPACE, KEY_LABELS } from "../../lab/constants";
import { FabricClient } from "../../lab/fabric-client";
import { execArgv, requireLab } from "../../lab/lab-process";
import type { InstancePaths } from "../../lab/paths";
import { run, until } from "../../lab/process";
import type { LabStatus } from "../../lab/supervisor-api";
import { type BenchHost, type Desired, PACKAGES, servicesOf } from "./workload";

/** Ids of the servers in the fabric, far from those that a cloud gives. */
const FIRST_ID = 900_000;
/** Hosts that are worked on at once by this program itself. */
const AT_ONCE = 4;

const hostKey = (name: string): SshKey => deriveSshKey(`bench ${name}`);

/** Does `work` for every item, a few at a time; results in the items' order. */
export async function eachOf<T, U>(items: readonly T[], work: (item: T) => Promise<U>, atOnce = AT_ONCE): Promise<U[]> {
  const results: U[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

/** The hosts, in a lab that runs. */
export class Fleet {
  private readonly fabric: FabricClient;
  private status!: LabStatus;

  constructor(private readonly paths: InstancePaths) {
    this.fabric = new FabricClient(paths.socket);
  }

  /**
   * Makes the first `count` hosts unless they are there, and waits until they have booted. The first one has the
   * address .90, and so on.
   */
  async make(count: number, progress: (text: string) => void): Promise<BenchHost[]> {
    const base = HETZNER_SPACE.ipv4.replace(/\d+\/\d+$/, "");
    const hosts = Array.from({ length: count }, (_, index) => {
      const name = `bench-${String(index + 1).padStart(2, "0")}`;
      return { name, ipv4: `${base}${90 + index}`, hostKey: hostKey(name).publicKey };
    });
    const there = new Set((await requireLab(this.paths)).hosts.map(({ name }) => name));
    const missing = hosts.filter(({ name }) => !there.has(name));
    if (missing.length > 0) progress(`making ${missing.length} hosts`);
    await eachOf(missing, async (host) => {
      await this.fabric.createServer(serverSpec(host, FIRST_ID + hosts.indexOf(host)));
      await this.fabric.startServer(FIRST_ID + hosts.indexOf(host));
      await this.booted([host]);
    });
    await this.booted(hosts);
    this.status = await requireLab(this.paths);
    await eachOf(missing, (host) => this.prepare(host));
    return hosts;
  }

  /** Runs a constant script with arguments inside a host; what it prints. */
  inside(host: string, script: string, ...args: string[]): Promise<string> {
    return run(execArgv(this.paths, this.status, host, ["sh", "-ec", script, "sh", ...args]));
  }

  /** Takes everything of the workload away, whichever tool brought it; what was downloaded stays. */
  async reset(hosts: BenchHost[]): Promise<void> {
    await eachOf(hosts, ({ name }) => this.inside(name, RESET, ...PACKAGES));
  }

  /**
   * What stands on each host of all that the workload wants, in one text for each: equal for tools that did the same.
   */
  look(hosts: BenchHost[]): Promise<string[]> {
    return eachOf(hosts, ({ name }) => this.inside(name, LOOK, ...PACKAGES));
  }

  /** Logins that each host's sshd has accepted since `since` (Unix time in seconds). */
  async logins(hosts: BenchHost[], since: number): Promise<number[]> {
    return eachOf(hosts, async ({ name }) => Number(await this.inside(name, LOGINS, String(Math.floor(since)))));
  }

  private async prepare({ name }: BenchHost): Promise<void> {
    await this.inside(name, PREPARE, ...PACKAGES);
  }

  private booted(hosts: BenchHost[]): Promise<void> {
    const names = new Set(hosts.map(({ name }) => name));
    return until("the benchmark's hosts to boot", 300_000, async () => {
      this.status = await requireLab(this.paths);
      return (
        this.status.hosts.filter(({ name, state }) => names.has(name) && state === "running").length === names.size
      );
    });
  }
}

/**
 * What `look` must say of a host for this version of the line: the same as every tool's result, computed without any of
 * them.
 */
export function missingOn(
  found: string,
  { versions }: Desired,
  host: string,
  digest: (text: string) => string,
): string[] {
  const services = servicesOf(host, versions[host]!);
  const files = services.flatMap((service) => service.files);
  const wanted = [
    ...files.map(({ path, content }) => `${path} 644 root root ${digest(content)}`),
    ...services.map(({ unit }) => `${unit} active enabled current`),
    ...PACKAGES.map((name) => `${name} installed`),
  ];
  const lines = new Set(found.split("\n"));
  return wanted.filter((line) => !lines.has(line));
}

function serverSpec(host: BenchHost, id: number) {
  const key = hostKey(host.name);
  const config = {
    disable_root: false,
    ssh_pwauth: false,
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: key.privateKey, ed25519_public: key.publicKey },
    package_update: false,
    package_upgrade: false,
  };
  return {
    id,
    name: host.name,
    image: "debian-13",
    userData: `#cloud-config\n${JSON.stringify(config)}\n`,
    authorizedKeys: [deriveSshKey(KEY_LABELS.operator).publicKey],
    ipv4: host.ipv4,
    serverType: "cx23",
  };
}

// Constant scripts; the arguments are the packages, or the time.
const PREPARE = [
  "cloud-init status --wait >/dev/null || [ $? -eq 2 ]",
  "apt-get -q update >/dev/null",
  'apt-get -q -y --download-only --no-install-recommends install "$@" >/dev/null',
].join("\n");
const RESET = [
  "systemctl stop 'bench-*.service' 2>/dev/null || true",
  "rm -rf /etc/bench-* /etc/systemd/system/bench-*.service /etc/systemd/system/*.wants/bench-*.service /var/lib/intranet",
  "rm -f /etc/systemd/system/intranet-recover.service /etc/systemd/system/*.wants/intranet-recover.service",
  "rm -rf /root/.ansible /tmp/pyinfra-* /root/.pyinfra",
  "systemctl daemon-reload",
  'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge "$@" >/dev/null 2>&1',
  "DEBIAN_FRONTEND=noninteractive apt-get -q -y --purge autoremove >/dev/null 2>&1",
].join("\n");
// A unit is `current` when it was started after its configuration was written.
const LOOK = [
  "for f in $(ls /etc/bench-*/* /etc/systemd/system/bench-*.service); do",
  '  echo "$f $(stat -c "%a %U %G" "$f") $(sha256sum "$f" | cut -d" " -f1)"',
  "done",
  "for f in $(ls /etc/systemd/system/bench-*.service); do",
  '  u=${f##*/}; n=${u%.service}; since=$(date -d "$(systemctl show -p ActiveEnterTimestamp --value "$u")" +%s)',
  '  [ "$since" -ge "$(stat -c %Y "/etc/$n/app.conf")" ] && current=current || current=stale',
  '  echo "$u $(systemctl is-active "$u") $(systemctl is-enabled "$u") $current"',
  "done",
  `for p in "$@"; do dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' "$p"; done`,
].join("\n");
const LOGINS = 'journalctl -q --no-pager -o cat --since "@$1" -t sshd -t sshd-session | grep -c "^Accepted " || true';
