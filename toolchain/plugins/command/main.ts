// The plugin's program: the engine starts it and reads the port of its server from the first line of its output.
import { main } from "@pulumi/pulumi/provider";
import { commandProvider } from "./provider";

void main(commandProvider(PLUGIN_VERSION), process.argv.slice(2));
