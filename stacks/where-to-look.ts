/** Prints what runs where, from the stack's outputs: the end of `make up`. Usage: node where-to-look.js FILE (JSON of `pulumi stack output`). */
import { readFileSync } from "node:fs";
import type { SummaryRow } from "../components";

const outputs = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as {
  summary: SummaryRow[];
  sinkhole: { ipv4: string };
};
const header = { what: "WHAT", kind: "KIND", where: "WHERE", address: "ADDRESS", audience: "WHO REACHES IT" };
const columns = ["what", "kind", "where", "address", "audience"] as const;
const rows = [header, ...outputs.summary];
const widths = columns.map((column) => Math.max(...rows.map((row) => row[column].length)));

console.log();
for (const row of rows)
  console.log(
    columns
      .map((column, i) => row[column].padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );

const service = outputs.summary.find(({ kind }) => kind === "service");
const device = outputs.summary.find(({ kind }) => kind === "device");
const site = outputs.summary.find(({ kind, what }) => kind === "site" && what === service?.where);

console.log("\nLook around:");
if (service && site) {
  const { hostname } = new URL(service.address.split(" ")[0]!);
  console.log(`  bin/lab exec visitor -- curl -ik https://${hostname}/    a stranger: ACCESS DENIED`);
  console.log(
    `  bin/lab exec tv -- curl -i -H 'Host: ${hostname}' http://${site.where}/    on the LAN: ${service.what}`,
  );
}
if (device)
  console.log(
    `  bin/lab run -- pulumi stack output --show-secrets --json devices    the way in of ${device.what}, with its QR code`,
  );
console.log("  bin/lab status    bin/lab ssh vps    bin/lab run -- pulumi preview --diff    make down    bin/lab down");
