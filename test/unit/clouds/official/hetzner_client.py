"""A stack's life at Hetzner, by the official Python client: make, look, be refused, delete in the order that is demanded."""

import json
import os
import warnings

from hcloud import APIException, Client
from hcloud.firewalls import FirewallRule
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.server_types import ServerType
from hcloud.servers import ServerCreatePublicNetwork

warnings.simplefilter("ignore", DeprecationWarning)
client = Client(os.environ["HCLOUD_TOKEN"], api_endpoint=os.environ["HCLOUD_ENDPOINT"], poll_interval=0.05)
PLACE = Location(name="fsn1")


def refused(call):
    """The code that a call is refused with."""
    try:
        call()
    except APIException as error:
        return error.code
    return "not refused"


def finished(response):
    for action in [response.action, *response.next_actions]:
        action.wait_until_finished()


key = client.ssh_keys.create(name="operator", public_key=os.environ["PUBLIC_KEY"])
rules = [FirewallRule(direction="in", protocol="tcp", port="22", source_ips=["198.51.100.130/32"])]
firewall = client.firewalls.create(name="edge", rules=rules).firewall
ipv4 = client.primary_ips.create(type="ipv4", name="four", location=PLACE).primary_ip
ipv6 = client.primary_ips.create(type="ipv6", name="six", location=PLACE).primary_ip
image = client.images.get_by_name_and_architecture("debian-13", "x86")
created = client.servers.create(
    name="vps",
    server_type=ServerType(name="cx23"),
    image=Image(id=image.id),
    location=PLACE,
    ssh_keys=[key],
    firewalls=[firewall],
    public_net=ServerCreatePublicNetwork(ipv4=ipv4, ipv6=ipv6),
    labels={"role": "edge"},
)
finished(created)
server = client.servers.get_by_name("vps")
server.change_dns_ptr(ip=ipv4.ip, dns_ptr="vps.intranet.example").wait_until_finished()

seen = {
    "status": server.status,
    "ipv4": server.public_net.ipv4.ip,
    "location": server.location.name,
    "found": [entry.name for entry in client.servers.get_all(label_selector="role=edge", status=["running"])],
    "left out": [entry.name for entry in client.servers.get_all(status=["off"])],
    "images": len(client.images.get_all(type=["snapshot"])),
    "server actions": sorted({action.command for action in server.get_actions()}),
    "firewall actions": sorted({action.command for action in firewall.get_actions()}),
    "primary IP actions": sorted({action.command for action in ipv4.get_actions()}),
    "image actions": len(image.get_actions()),
    "one action": client.servers.actions.get_by_id(created.action.id).status,
    "all actions": len(client.primary_ips.actions.get_all(status=["success"])) > 0,
    "absent": {
        name: len(getattr(client, name).get_all())
        for name in [
            "certificates",
            "floating_ips",
            "isos",
            "load_balancer_types",
            "load_balancers",
            "networks",
            "placement_groups",
            "volumes",
            "zones",
        ]
    },
    "refused": {
        "data centers": refused(client.datacenters.get_all),
        "a network": refused(lambda: client.networks.create(name="n", ip_range="10.0.0.0/8")),
        "rescue": refused(server.enable_rescue),
        "firewall in use": refused(firewall.delete),
        "assigned primary IP": refused(ipv4.delete),
    },
}
server.power_off().wait_until_finished()
seen["refused"]["assigned primary IP of a server that is off"] = refused(ipv4.delete)
server.delete().wait_until_finished()
for resource in [firewall, ipv4, ipv6, key]:
    resource.delete()
kinds = [client.servers, client.firewalls, client.primary_ips, client.ssh_keys]
seen["left"] = sum(len(kind.get_all()) for kind in kinds)
print(json.dumps(seen))
