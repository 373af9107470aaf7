"""What an enrolment script runs on the host: the same transactions as over SSH, told in words to whoever stands there.

`enrol.py FOLDER` brings the roles of FOLDER/request.json to their state; `enrol.py FOLDER remove` lets everything go that their stack
has on this host. The roles are the stack's own: its resources adopt them, with what stood there before.
"""
import json
import os
import secrets
import sys

import leaving
import probes
import rollback
import store
import transaction
import util


def say(event, **fields):
    if event == "progress":
        print("  " + fields["text"], flush=True)


def identity(role, ledger):
    """A role that a resource has adopted stays that resource's."""
    mine = ledger["roles"].get(role["role"])
    if mine and store.same_stack(mine["owner"], role["owner"]):
        return {"owner": mine["owner"], "id": mine["id"]}
    return {"owner": role["owner"], "id": leaving.ENROLLED}


def bring(role, program):
    """Applies one role; its probes come later, for a tunnel that does not stand yet is no reason to undo it."""
    request = {**role, **identity(role, store.ledger()), "tx": secrets.token_hex(8), "probes": [], "live": {}, "confirm": 0}
    return tell(role["role"], transaction.apply(request, program), "set", "is as it should be")


def tell(name, result, done, nothing):
    if not result["ok"]:
        print(f"{name}: {result['message']}", file=sys.stderr)
        for word in ("command", "output"):
            if result.get(word):
                text = result[word]
                print(f"  {word}: " + (" ".join(text) if isinstance(text, list) else text), file=sys.stderr)
        print("  " + ("The host was left as it was before." if result["rolledBack"] else "; ".join(result["leftovers"])), file=sys.stderr)
        return False
    changed = result.get("changed", [])
    print(f"{name}: " + (f"{done} " + ", ".join(changed) if changed else nothing))
    for path, copy in result.get("adopted", {}).items():
        print(f"  {path} stood there before; a copy is kept as {copy}")
    for warning in result.get("warnings", []):
        print("  " + warning)
    return True


def drop(roles):
    """What an older script made, nothing has adopted, and this one does not list any more: a tunnel with earlier keys."""
    names = [role["role"] for role in roles]
    for name, entry in sorted(store.ledger()["roles"].items()):
        if store.same_stack(entry["owner"], roles[0]["owner"]) and entry["id"] == leaving.ENROLLED and name not in names:
            if not tell(name, let_go(name, entry), "took back", "removed"):
                return False
    return True


def let_go(name, entry):
    request = {"tx": secrets.token_hex(8), "role": name, "owner": entry["owner"], "id": entry["id"], "remove": True}
    return transaction.apply(request, None)


def look(roles):
    """The roles' probes. One that fails is said and no more: what it waits for may come later."""
    for probe in (probe for role in roles for probe in role.get("probes", [])):
        what = probes.describe(probe)
        try:
            probes.run(probe)
            print(f"seen: {what}")
        except util.Failure as failure:
            print(f"not yet: {what}" + (f" ({util.redact(failure.output)})" if failure.output else ""))


def remove(roles):
    """Everything of the stack on this host: first what was made later, then the roles of the script from behind."""
    owner = roles[0]["owner"]
    mine = [role["role"] for role in roles]
    entries = store.ledger()["roles"]
    names = [name for name, entry in entries.items() if store.same_stack(entry["owner"], owner)]
    for name in [name for name in names if name not in mine] + [name for name in reversed(mine) if name in names]:
        if not tell(name, let_go(name, entries[name]), "took back", "removed"):
            return 1
    if rollback.anything():
        leaving.settle(rollback.recover(store.Lock(300))).release()
    print("Nothing of this intranet is left on this host.")
    return 0


def main(folder, words):
    os.umask(0o077)
    util.emit = say
    with open(f"{folder}/request.json") as source:
        request = json.load(source)
    util.hide([value for role in request["roles"] for value in role["secrets"]])
    modules = []
    for name in request["modules"]:
        with open(f"{folder}/{name}.py") as source:
            modules.append([name, source.read()])
    if words == ["remove"]:
        return remove(request["roles"])
    if words:
        print("usage: run it without an argument, or with `remove`", file=sys.stderr)
        return 64
    program = {"digest": request["digest"].encode(), "modules": lambda: modules}
    if not all(bring(role, program) for role in request["roles"]) or not drop(request["roles"]):
        return 1
    look(request["roles"])
    print(f"{request['host']} is enrolled. Now run `pulumi up`: it finds this host and goes on.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except util.Failure as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
