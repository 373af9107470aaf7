/** A program with a sinkhole and its public names alone: what clouds do to it is seen within seconds. */
import * as pulumi from "@pulumi/pulumi";
import { PublicDns, Sinkhole } from "pulumi-intranet";
import { KEY_LABELS } from "../../../lab/constants";
import { deriveSshKey } from "../../../lab/keys";

// A test does not wait for ten minutes until a server is given up that does not come, and for as long until it answers.
if (process.env["TRIAL_IMPATIENT"] !== undefined)
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    if (type === "hcloud:index/server:Server") return { props, opts: { ...opts, customTimeouts: { create: "10s" } } };
    if (type !== "command:remote:Command") return undefined;
    const connection = pulumi.output(props.connection).apply((c) => ({ ...c, dialErrorLimit: 1, perDialTimeout: 2 }));
    return { props: { ...props, connection }, opts };
  });

const domain = "busy.intranet.example";
const sinkhole = new Sinkhole("busy", {
  domain,
  serverName: "busy",
  protect: false,
  space: { v4: "10.97.0.0/16", v6: "fd00:7:7::/48" },
  identity: { v4: "10.97.0.1", v6: "fd00:7:7::1" },
  udpPorts: [51820],
  location: "fsn1",
  serverType: process.env["TRIAL_TYPE"] ?? "cx23",
  image: "debian-13",
  management: { from: ["198.51.100.130/32"] },
  sshPublicKeys: [deriveSshKey(KEY_LABELS.operator).publicKey],
});
new PublicDns("busy-names", { zone: "intranet.example", domain, ipv4: sinkhole.ipv4, ipv6: sinkhole.ipv6 });
