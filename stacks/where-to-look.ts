/**
 * Prints what runs where, from the stack's outputs: the end of `make up`. Usage: node where-to-look.js FILE (JSON of
 * `pulumi stack output`).
 */
import { readFileSync } from "node:fs";
import type { Inventory } from "../components";

/** An output as it is read back: what was an Output is its value. */
type Read<T> = T extends { apply: unknown; get(): infer V } ? V : T extends object ? { [K in keyof T]: Read<T[K]> } : T;

const { inventory, certificateAuthority } = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as {
  inventory: Read<Inventory>;
  certificateAuthority?: { page: string };
};
const { sinkhole, sites, services, devices } = inventory;

const rows = [
  ["WHAT", "KIND", "WHERE", "ADDRESS", "WHO REACHES IT"],
  ...Object.entries(sinkhole).map(([name, { ipv4, ipv6, identity }]) => [
    name,
    "sinkhole",
    `${ipv4}, ${ipv6}`,
    identity.v4,
    "the Internet: ACCESS DENIED",
  ]),
  ...Object.entries(sites).map(([name, { address, identity }]) => [name, "site", address, identity.v4, "intranet"]),
  ...Object.entries(services).map(([name, { host, at, address, audience, publicAddress }]) => [
    name,
    "service",
    host,
    `${at} at ${address}${publicAddress === undefined ? "" : `, outside at ${publicAddress}`}`,
    audience,
  ]),
  ...Object.entries(devices).map(([name, { v4, v6 }]) => [name, "device", "a tunnel", `${v4}, ${v6}`, "-"]),
];
const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));

console.log();
for (const row of rows)
  console.log(
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );

const service = Object.entries(services).find(([, { at }]) => at.startsWith("https://"));
const device = Object.keys(devices)[0];

console.log("\nLook around:");
if (service) {
  const [name, { at }] = service;
  console.log(`  bin/lab exec visitor -- curl -ik ${at}/    a stranger: ACCESS DENIED`);
  console.log(`  bin/lab exec home -- curl -i ${at}/    inside: ${name}`);
}
if (certificateAuthority)
  console.log(`  bin/lab exec home -- curl -s ${certificateAuthority.page}/    how devices come to trust the CA`);
if (device !== undefined)
  console.log(
    `  bin/lab run -- pulumi stack output --show-secrets --json devices    the way in of ${device}, with its QR code`,
  );
console.log("  bin/lab status    bin/lab ssh vps    bin/lab run -- pulumi preview --diff    make down    bin/lab down");
