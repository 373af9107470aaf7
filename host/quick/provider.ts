/**
 * What `pulumi-resource-pulumi-nodejs` in this folder runs: the dynamic provider of the program's own `@pulumi/pulumi`, found as Pulumi's own script of that
 * name finds it, but without that script's shell and second Node.js, and without loading what is seldom used.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { endWithEngine } from "../process";
import { loadWhenUsed } from "./later";

endWithEngine(false);
loadWhenUsed(process.cwd());
createRequire(join(process.cwd(), "program.js"))("@pulumi/pulumi/cmd/dynamic-provider");
