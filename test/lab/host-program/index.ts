/** A program with roles on one host of the lab, described in JSON by the test that runs it. */
import * as pulumi from "@pulumi/pulumi";
import { type ConnectionArgs, HostRole, WireGuardKey } from "pulumi-intranet/host";
import { FIXED_HOSTS, KEY_LABELS } from "../../../lab/constants";
import { deriveSshKey } from "../../../lab/keys";
import type { Trial } from "./trial";
import { makePublic } from "./public";
import { makeTunnel } from "./tunnel";

const trial = JSON.parse(process.env["TRIAL_ROLES"]!) as Trial;
const home = FIXED_HOSTS.find((host) => host.name === "home")!;
const standard: ConnectionArgs = {
  address: home.ipv4,
  hostKeys: trial.hostKeys ?? [deriveSshKey(KEY_LABELS.homeHostKey).publicKey],
};
const key = new WireGuardKey("key", { keyVersion: trial.keyVersion ?? 1 });
export const publicKey = key.publicKey;
export const privateKey = pulumi.secret(key.privateKey);

for (const [name, { files = {}, connection = standard, ...args }] of Object.entries(trial.roles)) {
  const filled = Object.entries(files).map(([path, { secret, ...file }]) => [
    path,
    secret ? { ...file, secrets: { key: key.privateKey } } : file,
  ]);
  new HostRole(name, { ...args, connection, role: `trial-${name}`, files: Object.fromEntries(filled) });
}

if (trial.tunnel) makeTunnel(trial.tunnel, standard);
if (trial.public) makePublic(trial.public, standard);
