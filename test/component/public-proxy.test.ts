/**
 * A proxy with public applications: an address of its own may be known only later, and nothing of it changes what is
 * there without.
 */
import * as pulumi from "@pulumi/pulumi";
import { ReverseProxy, type ReverseProxyArgs } from "../../components";
import type { RoleInputs } from "../../host/resource/inputs";
import { HOST_KEY } from "../unit/model/fixtures";
import { certificateOf, named, settled, startMocks } from "./mocks";

const CADDYFILE = "/etc/caddy/Caddyfile";
const PUBLIC_ROOT = "/etc/caddy/intranet-public-root.crt";
const cloud = { hostname: ["nextcloud.intranet.example"], upstream: "127.0.0.1:8080" };
const blog = (address: pulumi.Input<string>): ReverseProxyArgs["sites"][number] => ({
  ...{ hostname: ["blog.intranet.example"], upstream: "127.0.0.1:8090" },
  ...{ authority: "public", listen: [address] },
});
const publicCertificates = {
  directory: "https://acme.example/dir",
  rootCertificate: pulumi.output(certificateOf("acme")),
};
const proxy = (name: string, sites: ReverseProxyArgs["sites"]): void => {
  const connection = { address: "10.20.0.10", hostKeys: [HOST_KEY] };
  new ReverseProxy(name, { connection, listen: ["10.31.240.2"], sites, publicCertificates });
};

beforeEach(() => startMocks());

test("the address and the authority's root are filled in when they are known", async () => {
  proxy("p", [cloud, blog(pulumi.output("2001:db8:1:0:1::7"))]);
  await settled();
  const { files, ports } = named("p-caddy").inputs as unknown as RoleInputs;
  expect(files![CADDYFILE]!.content).toContain("bind [{{address_of_blog_intranet_example}}]");
  expect(files![CADDYFILE]!.values).toEqual({ address_of_blog_intranet_example: "2001:db8:1:0:1::7" });
  expect(files![PUBLIC_ROOT]).toMatchObject({ values: { certificate: certificateOf("acme") } });
  expect(ports!.map(({ port }) => port)).toEqual([80, 443]);
});

test("an authority that Debian trusts is known by ca-certificates, which Caddy does not bring", async () => {
  const connection = { address: "10.20.0.10", hostKeys: [HOST_KEY] };
  const own = { connection, listen: ["10.31.240.2"], sites: [blog("2001:db8:1:0:1::7")] };
  new ReverseProxy("trusted", { ...own, publicCertificates: { directory: "https://acme.example/dir" } });
  await settled();
  expect((named("trusted-caddy").inputs as unknown as RoleInputs).packages).toContain("ca-certificates");
});

test("without a public application the role is the one without an authority", async () => {
  proxy("p", [cloud]);
  await settled();
  const { files, ports } = named("p-caddy").inputs as unknown as RoleInputs;
  expect(Object.keys(files!)).not.toContain(PUBLIC_ROOT);
  expect(files![CADDYFILE]!.content).not.toContain("acme");
  expect(ports!.map(({ port }) => port)).toEqual([80]);
});
