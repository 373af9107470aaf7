/** What says on a host who announces what is another's: a list of whose each prefix is, and a script. Pure. */
import { lines, MADE_BY } from "../common/text";
import { ownerPrefix, type Owners } from "./owners";

/** Whose each prefix is, as JSON. */
export const OWNERS_FILE = "/etc/intranet/ospf-owners.json";
/** The script; `intranet-doctor` runs it where it is. */
export const OWNERS_SCRIPT = "/etc/intranet/ospf-owners";

/** The list: this host itself among them. Services' /80 are placeholders. */
export function renderOwners(
  own: { host: string; routerId: string; prefixes: readonly string[] },
  owners: Owners,
): string {
  const entries = [
    [own.routerId, { host: own.host, prefixes: own.prefixes }] as const,
    ...Object.entries(owners.hosts).map(([host, { routerId, prefixes, services, outside }]) => {
      const all = [...prefixes, ...(services ? [`{{${ownerPrefix(host)}}}`] : []), ...(outside ? ["::/0"] : [])];
      return [routerId, { host, prefixes: all }] as const;
    }),
  ];
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

/**
 * The script (Python). It asks BIRD what each router says (`show ospf state all`) and compares; exit code 1 when
 * somebody says what is another's, or is nobody. It cannot tell a router that took another's number from that one.
 */
export function renderOwnersScript(): string {
  return lines("#!/usr/bin/python3 -I", `# ${MADE_BY}`, SCRIPT.trim());
}

const SCRIPT = String.raw`
"""Says who announces by OSPF what belongs to another host. usage: ospf-owners [BIRD'S-SOCKET [LIST]]"""
import ipaddress
import json
import re
import subprocess
import sys

socket = ["-s", sys.argv[1]] if len(sys.argv) > 1 else []
with open(sys.argv[2] if len(sys.argv) > 2 else "/etc/intranet/ospf-owners.json") as text:
    owners = json.load(text)
networks = [(ipaddress.ip_network(prefix), entry["host"]) for entry in owners.values() for prefix in entry["prefixes"]]


def owner(prefix):
    """Whose a prefix is: the longest one that holds it."""
    network = ipaddress.ip_network(prefix, strict=False)
    held = [(own.prefixlen, host) for own, host in networks if own.version == network.version and network.subnet_of(own)]
    return max(held)[1] if held else None


def said(protocol):
    """What each router announces: pairs of its number and a prefix."""
    state = subprocess.run(["birdc", *socket, "show", "ospf", "state", "all", protocol], capture_output=True, text=True)
    router = None
    for line in state.stdout.splitlines():
        found = re.match(r"\s+(router|stubnet|external|xnetwork) (\S+)", line)
        if not found:
            continue
        # A router's own line stands further left than what it says of others.
        if found[1] == "router":
            router = found[2] if re.match(r"\t\S", line) else router
            if re.match(r"\t\S", line) and router not in owners:
                yield router, None
        elif found[1] != "xnetwork":
            yield router, found[2]


wrong = set()
for router, prefix in (one for protocol in ("ospf4", "ospf6") for one in said(protocol)):
    who = owners[router]["host"] if router in owners else f"the router {router}, which is no host of the intranet,"
    whose = owner(prefix) if prefix else None
    if prefix is None:
        wrong.add(f"{who} speaks OSPF")
    elif whose is None:
        wrong.add(f"{who} announces {prefix}, which is nobody's")
    elif router not in owners or whose != owners[router]["host"]:
        wrong.add(f"{who} announces {prefix}, which is {whose}'s")
for line in sorted(wrong):
    print("WRONG", line)
if not wrong:
    print("ok    every network is announced by its own host")
sys.exit(bool(wrong))
`;
