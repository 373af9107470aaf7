// Command pulumi-tfgen-hcloud writes the schema.json and bridge-metadata.json that the plugin embeds.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"

	"pulumi-intranet/toolchain/resource-hcloud/internal/bridge"
)

func main() {
	tfgen.MainWithMuxer("hcloud", bridge.Provider([]byte("{}")))
}
