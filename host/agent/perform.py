"""Making a change that is planned and in the journal: units that stop, paths, kernel settings, units that start or read anew."""
import files
import system
import units
import util

SYSTEMD = ("/etc/systemd/", "/run/systemd/", *units.PLACES)
"""Where systemd has to be told that something has changed."""


def perform(request, entry, changes, states, actions, sysctls, staged):
    wanted = request.get("units", {})
    for name, item in actions.items():
        if item["released"]:
            units.turn_off(name, entry["units"][name]["prior"])
        elif item["action"] == "stop":
            units.act(name, "stop")
    with util.synced_once():
        replace(changes, staged)
    read_again(changes, states, wanted, units.switch(states, wanted))
    late = {}
    for key, value in sysctls.items():
        if system.exists(system.sysctl_file(key)[len(util.ROOT) :]):
            system.write_sysctl(key, value)
        else:
            late[key] = value
    for name, item in actions.items():
        if item["released"]:
            problem = units.turn_on(name, entry["units"][name]["prior"], item["action"])
            if problem:
                util.progress(problem)
        elif item["action"] != "stop":
            state = states[name]
            units.act(name, item["action"], state["reloadable"], item["renew"], state["load"] != "not-found")
    units.settle([name for name, item in actions.items() if item["action"] in ("start", "restart", "reload") and not item["released"]])
    for key, value in late.items():
        if system.read_sysctl(key) is not None or key in request.get("sysctls", {}):
            system.write_sysctl(key, value)


def replace(changes, staged):
    """Puts every path in its place, each in one step."""
    going = [path for path, target in changes.items() if target["kind"] == "absent"]
    coming = [path for path in changes if path not in going]
    order = {"directory": 0, "file": 1, "link": 2}
    first = [path for path in going if any(path.startswith(other + "/") for other in coming)]  # a link may replace their directory
    later = [path for path in going if path not in first]
    coming.sort(key=lambda path: (order[changes[path]["kind"]], path))
    for path in [*sorted(first, reverse=True), *coming, *sorted(later, reverse=True)]:
        target = changes[path]
        if path not in first:  # the second name would keep their directory from being replaced
            files.keep(path)
        util.step("kept:" + path)
        if "prior" in target:
            files.let_go(path, target["prior"])
        else:
            files.install(path, target, staged + path)
        util.step("path:" + path)


def read_again(changes, states, wanted, switched):
    """Lets systemd read what has changed. A unit that it did not know it reads by itself; for the links to that one it need not read
    everything at once: when the host's lock is given up is early enough, for all roles that came together."""
    changed = [path for path in changes if path.startswith(SYSTEMD)]
    if not changed and not switched:
        return
    new = {f"/etc/systemd/system/{name}": name for name in wanted if states[name]["load"] == "not-found"}
    if set(changed) <= set(new) and set(switched) <= set(new.values()):
        units.reload_later()
        if units.read_as_new(new):
            return
    units.daemon_reload()
