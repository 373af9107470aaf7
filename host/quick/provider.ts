/**
 * What `pulumi-resource-pulumi-nodejs` in this folder runs: the dynamic provider of the program's own `@pulumi/pulumi`,
 * found as Pulumi's own script of that name finds it, but without that script's shell and second Node.js, and without
 * loading what is seldom used.
 */
import { endWithEngine } from "../process";
import { keepCompiled } from "./compiled";
import { loadWhenUsed } from "./later";
import { asProgram } from "./sdk";

endWithEngine(false);
keepCompiled();
loadWhenUsed(process.cwd());
asProgram(process.cwd())("@pulumi/pulumi/cmd/dynamic-provider");
