/** An enrolled host's resources before and after it has been seen. */
import * as pulumi from "@pulumi/pulumi";
import { Enrolment, HostIdentity } from "../../components";
import { HostRole } from "../../host";
import { named, ofType, registered, settled, sshKeyOf, startMocks, TYPES, valueOf, world } from "./mocks";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGqwwyuGxZDhvm/8WKurybpUFFTctPs4nP6+H/QdB0cY";
const identity = { v4: "10.31.255.2", v6: "fd12::2" };
const make = () => {
  const hub = { connection: { address: "192.0.2.1", hostKeys: [KEY] } };
  const roles = [
    { role: "tunnel", files: { "/etc/tunnel": { content: "{{key}}\n", secrets: { key: "TOP-SECRET" } } } },
  ];
  const enrolment = new Enrolment("cabin", { host: "cabin", hub, address: identity.v4, sshPublicKeys: [KEY], roles });
  const made: pulumi.Resource[][] = [];
  enrolment.whenEnrolled((ready) => {
    made.push(ready);
    const space = { v4: "10.16.0.0/12", v6: "fd12::/48" };
    const { whenReady: _later, ...host } = enrolment.managed;
    new HostIdentity("site", { ...identity, space, forwarding: "none", ...host, after: ready });
  });
  return { enrolment, made };
};

test("before the host was seen there is its script, a key, and nothing on it", async () => {
  await startMocks();
  const { enrolment, made } = make();
  await settled();
  const { value, secret } = await valueOf(enrolment.script);
  expect(secret).toBe(true);
  expect(value).toMatch(/^#!\/bin\/sh\n# Brings cabin into the intranet of intranet\/test\./);
  expect(value).toContain("TOP-SECRET");
  expect(value).toContain("PRIVATE-HOST-KEY");
  expect(made).toEqual([]);
  expect(ofType(TYPES.role)).toEqual([]);
  expect(named("cabin-seen").inputs["connection"]).toMatchObject({
    name: "cabin",
    address: identity.v4,
    port: 2222,
    hostKeys: [sshKeyOf("cabin-host-key")],
    via: { address: "192.0.2.1" },
  });
});

test("once it was seen its roles are made, what they wait for first; those that hold the way go last", async () => {
  await startMocks();
  world.enrolled = true;
  const { made } = make();
  await settled();
  expect(made).toHaveLength(1);
  expect(made[0]).toHaveLength(2);
  expect(made[0]![1]).toBeInstanceOf(HostRole);
  const order = registered.filter(({ type }) => type === TYPES.role).map(({ name }) => name);
  expect(order).toEqual(["cabin-ssh", "site-addresses", "site-firewall"]);
  expect(named("cabin-ssh").inputs["lastWay"]).toBe(true);
  expect(named("site-addresses").inputs["lastWay"]).toBe(true);
  expect(named("site-firewall").inputs["lastWay"]).toBeUndefined();
});

test("a preview that does not know yet makes nothing", async () => {
  await startMocks(true);
  world.enrolled = undefined as never;
  const { made } = make();
  await settled();
  expect(made).toEqual([]);
});
