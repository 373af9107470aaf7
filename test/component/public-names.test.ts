/** The public names of services: forward and reverse, what they say and in which order they are made. */
import * as pulumi from "@pulumi/pulumi";
import { PublicDns, ReverseDns, type PublicDnsArgs } from "../../components";
import { named, ofType, registered, settled, startMocks } from "./mocks";

const RECORD = "cloudflare:index/dnsRecord:DnsRecord";
const RDNS = "hcloud:index/rdns:Rdns";

const own = "2001:db8:100:1:1::7";
const args = (more: Partial<PublicDnsArgs> = {}): PublicDnsArgs => ({
  zone: "example.net",
  domain: "intranet.example.net",
  ipv4: "198.51.100.1",
  ipv6: "2001:db8:100:1::1",
  services: [{ name: "blog.intranet.example.net", ipv6: pulumi.output(own) }],
  ...more,
});

beforeEach(() => startMocks());

test("a service's AAAA is its own address, its A the sinkhole's, as everything below it; CAA names the authority", async () => {
  const dns = new PublicDns("dns", args({ issuer: "ca.example" }));
  await settled();
  const content = (key: string): unknown => named(`dns-${key}`).inputs["content"];
  expect(content("service-blog-a")).toBe("198.51.100.1");
  expect(content("service-blog-aaaa")).toBe(own);
  for (const key of ["wildcard-aaaa", "apex-aaaa", "below-blog-aaaa"]) expect(content(key)).toBe("2001:db8:100:1::1");
  expect(named("dns-service-blog-caa").inputs).toMatchObject({ data: { flags: 0, tag: "issue", value: "ca.example" } });
  expect(ofType(RECORD)).toHaveLength(12);
  expect(dns.names).toContain("blog.intranet.example.net");
});

test("without services there are the records that there always were", async () => {
  new PublicDns("dns", args({ services: [] }));
  await settled();
  const keys = ["apex-a", "apex-aaaa", "caa", "wildcard-a", "wildcard-aaaa"];
  const made = ofType(RECORD).map(({ name }) => name);
  expect(made.sort()).toEqual(keys.map((key) => `dns-${key}`));
});

test("a reverse name is made after the records that lead back to its address", async () => {
  const dns = new PublicDns("dns", args());
  const names = [{ name: "blog", hostname: "blog.intranet.example.net", address: pulumi.output(own) }];
  new ReverseDns("reverse", { primaryIpId: pulumi.output(42), names }, { dependsOn: dns });
  await settled();
  expect(named("reverse-blog").inputs).toEqual({ primaryIpId: 42, ipAddress: own, dnsPtr: names[0]!.hostname });
  expect(registered.at(-1)).toMatchObject({ type: RDNS });
  expect(ofType(RECORD)).toHaveLength(12);
});
