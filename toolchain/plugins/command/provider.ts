// The provider as a whole: its tokens are those of @pulumi/command 1.2.1.
import type { Provider } from "@pulumi/pulumi/provider";
import { pluginOf } from "../common/plugin";
import { cancelConnections } from "./connection";
import { copyToRemote } from "./copy-to-remote";
import { cancelLocalCommands, localCommand, localRun } from "./local-command";
import { remoteCommand } from "./remote-command";

/** The stand-in for the command plugin of the given version. */
export function commandProvider(version: string): Provider {
  return pluginOf(
    version,
    {
      "command:remote:Command": remoteCommand,
      "command:remote:CopyToRemote": copyToRemote,
      "command:local:Command": localCommand,
    },
    { "command:local:run": localRun },
    async () => {
      await Promise.all([cancelConnections(), cancelLocalCommands()]);
    },
  );
}
