/** Prints what runs where, from the stack's outputs: the end of `make up`. Usage: node where-to-look.js FILE (JSON of `pulumi stack output`). */
import { readFileSync } from "node:fs";
import type { SummaryRow } from "../components";

const outputs = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as {
  summary: SummaryRow[];
  certificateAuthority?: { page: string };
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

const service = outputs.summary.find(({ kind, address }) => kind === "service" && address.startsWith("https://"));
const device = outputs.summary.find(({ kind }) => kind === "device");

console.log("\nLook around:");
if (service) {
  const url = service.address.split(" ")[0]!;
  console.log(`  bin/lab exec visitor -- curl -ik ${url}/    a stranger: ACCESS DENIED`);
  console.log(`  bin/lab exec home -- curl -i ${url}/    inside: ${service.what}`);
}
if (outputs.certificateAuthority)
  console.log(
    `  bin/lab exec home -- curl -s ${outputs.certificateAuthority.page}/    how devices come to trust the CA`,
  );
if (device)
  console.log(
    `  bin/lab run -- pulumi stack output --show-secrets --json devices    the way in of ${device.what}, with its QR code`,
  );
console.log("  bin/lab status    bin/lab ssh vps    bin/lab run -- pulumi preview --diff    make down    bin/lab down");
