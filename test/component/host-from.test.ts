/** A host of another stack. */
import * as pulumi from "@pulumi/pulumi";
import * as components from "../../components";
import { hostIn } from "../../components/common/host-from";
import { named, settled, sshKeyOf, startMocks, valueOf } from "./mocks";

const key = sshKeyOf("home");
const connection = {
  name: "home",
  address: "10.31.240.2",
  hostKeys: [key],
  via: { address: "198.51.100.1", hostKeys: [key] },
};

beforeEach(() => startMocks());

test("its way, with the hosts on it, and its machine go to what is made there", async () => {
  const hosts = pulumi.output({ home: { connection, machine: "42" }, cabin: { connection } });
  const identity = { v4: "10.31.240.2", v6: "fd00:1:2:ffff::2" };
  const space = { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" };
  new components.HostIdentity("there", {
    ...components.hostFrom(hosts, "home"),
    ...identity,
    space,
    forwarding: "none",
  });
  await settled();
  expect(named("there-addresses").inputs).toMatchObject({ connection, machine: "42" });
  const { machine } = components.hostFrom(hosts, "cabin");
  expect((await valueOf(pulumi.output(machine))).value).toBeUndefined();
});

test.each<[string, unknown, RegExp]>([
  [
    "a host that nobody knows",
    { home: { connection }, cabin: { connection } },
    /no host "office" in that output; there are home, cabin/,
  ],
  ["another output", ["home"], /does not hold hosts by name/],
  ["none", undefined, /does not hold hosts by name.*requireOutput\("hosts"\)/],
])("refused: %s", (_name, hosts, message) => {
  expect(() => hostIn(hosts, "office")).toThrow(message);
});
