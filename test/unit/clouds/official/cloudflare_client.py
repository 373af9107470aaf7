"""Records of a zone, by Cloudflare's official Python client and by certbot's plugin, which is made of it."""

import json
import os

import cloudflare
from certbot_dns_cloudflare._internal.dns_cloudflare import _CloudflareClient

ZONE = os.environ["ZONE"]
client = cloudflare.Cloudflare(max_retries=0)
zone_id = next(iter(client.zones.list(name=ZONE))).id
records = client.dns.records


def refused(call):
    """Status and number that a call is refused with."""
    try:
        call()
    except cloudflare.APIStatusError as error:
        return [error.status_code, error.errors[0].code if error.errors else None]
    return "not refused"


def listed(**filters):
    return sorted(f"{record.name} {record.type}" for record in records.list(zone_id=zone_id, **filters))


address = {"zone_id": zone_id, "type": "A", "name": "a", "ttl": 60}
made = records.create(**address, content="192.0.2.1", comment="ours")
records.edit(made.id, **address, content="192.0.2.2")
batch = records.batch(
    zone_id=zone_id,
    deletes=[{"id": made.id}],
    posts=[{"type": "AAAA", "name": "a", "content": "2001:db8::1", "ttl": 60, "comment": "in a batch"}],
)
exported = records.export(zone_id=zone_id)
imported = records.import_(zone_id=zone_id, file=f"{exported}\nb 300 IN TXT \"imported\"\n")
acme = _CloudflareClient(api_token=os.environ["CLOUDFLARE_API_TOKEN"])
name = f"_acme-challenge.{ZONE}"
for _ in range(2):
    acme.add_txt_record(f"www.{ZONE}", name, "a-token", 120)
challenge = listed(name={"exact": name})
acme.del_txt_record(f"www.{ZONE}", name, "a-token")

print(
    json.dumps(
        {
            "comments": listed(comment={"present": "true"}),
            "no comments": listed(comment={"absent": "true"}),
            "tagged": listed(tag={"present": "x"}),
            "batch": [len(batch.deletes), len(batch.posts)],
            "imported": [imported.recs_added, imported.total_records_parsed],
            "challenge": challenge,
            "challenge left": listed(name={"exact": name}),
            "page rules": client.page_rules.list(zone_id=zone_id, status="active"),
            "rulesets": [entry.id for entry in client.rulesets.list(zone_id=zone_id)],
            "accounts": [account.name for account in client.accounts.list()],
            "refused": {
                "IPv4": refused(lambda: records.create(**address, content="no address")),
                "IPv6": refused(lambda: records.create(**{**address, "type": "AAAA"}, content="192.0.2.1")),
                "TTL": refused(lambda: records.create(**{**address, "ttl": 5}, content="192.0.2.1")),
                "a page rule": refused(lambda: client.page_rules.create(zone_id=zone_id, actions=[], targets=[])),
                "a zone": refused(lambda: client.zones.create(account={"id": "x"}, name="other.example")),
            },
        }
    )
)
