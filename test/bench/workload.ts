/**
 * What every tool of the benchmark brings the hosts to: 17 things a host, the same text, packages and units for all.
 * Pure.
 */

/** A host of the benchmark. */
export interface BenchHost {
  name: string;
  ipv4: string;
  /** Its only SSH host key, in OpenSSH's form. */
  hostKey: string;
}

/** A file with its content. Owner root, mode 0644. */
export interface WantedFile {
  path: string;
  content: string;
}

/** A service of its own, of three files: the unit, its configuration, and data that it does not read. */
export interface WantedService {
  name: string;
  unit: string;
  files: WantedFile[];
  /** Paths of `files` whose change is a restart. */
  restartOn: string[];
}

/** Installed by every tool in one go; small, and without a daemon. */
export const PACKAGES: readonly string[] = ["jq", "netcat-openbsd", "qrencode", "socat"];
const SERVICES = ["alpha", "beta", "gamma", "delta"];
const LINES = 40;

/** The line of which a scenario changes the number. */
export const CHANGED_FILE = "/etc/bench-alpha/app.conf";

/** The wanted services of a host; `version` is what the line says that changes. */
export function servicesOf(host: string, version: number): WantedService[] {
  return SERVICES.map((name) => {
    const unit = `bench-${name}.service`;
    const conf = `/etc/bench-${name}/app.conf`;
    const setting = (number: number) => `setting-${number} = ${name} ${number * 7}`;
    const lines = Array.from({ length: LINES }, (_, number) => setting(number));
    if (conf === CHANGED_FILE) lines[LINES / 2] = `version = ${version}`;
    const data = Array.from({ length: LINES }, (_, number) => `${number} ${host} ${name}`);
    return {
      name,
      unit,
      files: [
        {
          path: `/etc/systemd/system/${unit}`,
          content: `[Unit]\nDescription=bench ${name}\n[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n`,
        },
        { path: conf, content: `# ${host}\n${lines.join("\n")}\n` },
        { path: `/etc/bench-${name}/data.txt`, content: `${data.join("\n")}\n` },
      ],
      restartOn: [`/etc/systemd/system/${unit}`, conf],
    };
  });
}

/** What a run is to reach: which hosts, and each host's version of the line. */
export interface Desired {
  hosts: BenchHost[];
  versions: Record<string, number>;
}

/** `hosts`, all of them with this version of the line. */
export function desired(hosts: BenchHost[], version: number): Desired {
  return { hosts, versions: Object.fromEntries(hosts.map(({ name }) => [name, version])) };
}

/** The same with one host's line changed. */
export function withVersion(from: Desired, host: string, version: number): Desired {
  return { hosts: from.hosts, versions: { ...from.versions, [host]: version } };
}
