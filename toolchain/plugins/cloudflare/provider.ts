// The provider as a whole: its tokens are those of @pulumi/cloudflare 6.22.
import type { Provider } from "@pulumi/pulumi/provider";
import { pluginOf } from "../common/plugin";
import { dnsRecord } from "./dns-record";
import { getDnsRecords, getIpRanges, getZone } from "./functions";
import { zoneSetting } from "./zone-setting";

/** The stand-in for the cloudflare plugin of the given version. */
export function cloudflareProvider(version: string): Provider {
  return pluginOf(
    version,
    { "cloudflare:index/dnsRecord:DnsRecord": dnsRecord, "cloudflare:index/zoneSetting:ZoneSetting": zoneSetting },
    {
      "cloudflare:index/getZone:getZone": getZone,
      "cloudflare:index/getDnsRecords:getDnsRecords": getDnsRecords,
      "cloudflare:index/getIpRanges:getIpRanges": getIpRanges,
    },
  );
}
