/** The same hosts in the languages of the peers, as their own documentation advises for speed. Pure. */
import { type Desired, PACKAGES, servicesOf } from "./workload";

/** Files of a project, by name. */
export type Files = Record<string, string>;

const json = (value: unknown) => JSON.stringify(value);

/**
 * ansible-core: no facts, pipelining, one SSH connection a host (ControlPersist), all hosts at once, no host waits for
 * another (`free`), the interpreter named. JSON is YAML. Contents are templated by nothing: they go through `content`.
 */
export function ansibleFiles({ hosts, versions }: Desired, knownHosts: string, sockets: string): Files {
  const variables = Object.fromEntries(
    hosts.map(({ name, ipv4 }) => {
      const services = servicesOf(name, versions[name]!);
      return [name, { ansible_host: ipv4, services, files: services.flatMap(({ files }) => files) }];
    }),
  );
  const inventory = {
    all: { hosts: variables, vars: { ansible_user: "root", ansible_python_interpreter: "/usr/bin/python3" } },
  };
  const changed = (paths: string) =>
    `written.results | selectattr('changed') | map(attribute='item.path') | intersect(${paths}) | length > 0`;
  const units = "services | map(attribute='files') | map('first') | map(attribute='path') | list";
  const tasks = [
    { name: "packages", "ansible.builtin.apt": { name: PACKAGES, install_recommends: false } },
    {
      name: "folders",
      "ansible.builtin.file": { path: "/etc/bench-{{ item.name }}", state: "directory", mode: "0755" },
      loop: "{{ services }}",
      loop_control: { label: "{{ item.name }}" },
    },
    {
      name: "files",
      "ansible.builtin.copy": { dest: "{{ item.path }}", content: "{{ item.content }}", mode: "0644", owner: "root" },
      loop: "{{ files }}",
      loop_control: { label: "{{ item.path }}" },
      register: "written",
    },
    { name: "units", "ansible.builtin.systemd_service": { daemon_reload: true }, when: changed(units) },
    {
      name: "services",
      "ansible.builtin.systemd_service": {
        name: "{{ item.unit }}",
        enabled: true,
        state: `{{ 'restarted' if (${changed("item.restartOn")}) else 'started' }}`,
      },
      loop: "{{ services }}",
      loop_control: { label: "{{ item.unit }}" },
    },
  ];
  return {
    "inventory.yaml": json(inventory),
    "play.yaml": json([{ hosts: "all", gather_facts: false, strategy: "free", tasks }]),
    "ansible.cfg": [
      "[defaults]",
      "inventory = inventory.yaml",
      "forks = 50",
      "host_key_checking = true",
      "retry_files_enabled = false",
      "[ssh_connection]",
      "pipelining = true",
      `control_path_dir = ${sockets}`,
      `ssh_args = -C -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=${knownHosts}`,
      "",
    ].join("\n"),
  };
}

/**
 * pyinfra: every host at once; contents are put from memory, a restart only where an operation has changed something.
 */
export function pyinfraFiles({ hosts, versions }: Desired, knownHosts: string): Files {
  const entries = hosts.map(({ name, ipv4 }) => [ipv4, { services: servicesOf(name, versions[name]!) }]);
  const data = {
    ssh_user: "root",
    ssh_known_hosts_file: knownHosts,
    ssh_strict_host_key_checking: "yes",
  };
  return {
    "hosts.json": json({ hosts: entries, data }),
    "inventory.py": [
      "import json",
      'loaded = json.load(open("hosts.json"))',
      'bench = ([(address, values) for address, values in loaded["hosts"]], loaded["data"])',
      "del loaded",
      "",
    ].join("\n"),
    "deploy.py": [
      "from io import StringIO",
      "from pyinfra import host",
      "from pyinfra.operations import apt, files, systemd",
      "",
      `apt.packages(name="packages", packages=${json(PACKAGES)}, no_recommends=True)`,
      "put = {}",
      "for service in host.data.services:",
      "    for item in service['files']:",
      "        put[item['path']] = files.put(",
      "            name=item['path'], src=StringIO(item['content']), dest=item['path'], user='root', group='root', mode='644')",
      "units = [put[service['files'][0]['path']] for service in host.data.services]",
      "systemd.daemon_reload(name='units', _if=lambda: any(op.did_change() for op in units))",
      "for service in host.data.services:",
      "    systemd.service(name=service['unit'], service=service['unit'], running=True, enabled=True)",
      "    systemd.service(name='restart ' + service['unit'], service=service['unit'], restarted=True,",
      "        _if=lambda paths=service['restartOn']: any(put[path].did_change() for path in paths))",
      "",
    ].join("\n"),
  };
}
