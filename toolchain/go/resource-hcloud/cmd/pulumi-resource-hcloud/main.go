// Command pulumi-resource-hcloud is the provider plugin: Hetzner's own Terraform provider behind Pulumi's protocol.
package main

import (
	"context"
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"pulumi-intranet/toolchain/resource-hcloud/internal/bridge"
)

//go:embed schema.json
var schema []byte

//go:embed bridge-metadata.json
var metadata []byte

func main() {
	tfbridge.MainWithMuxer(context.Background(), "hcloud", bridge.Provider(metadata), schema)
}
