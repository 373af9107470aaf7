// Package bridge describes Hetzner's Terraform provider to Pulumi's bridge, with the names that @pulumi/hcloud uses.
package bridge

import (
	"context"

	"github.com/hetznercloud/terraform-provider-hcloud/hcloud"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	sdkbridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

// Version is the plugin's version, set by the linker: the one that @pulumi/hcloud asks for.
var Version = "0.0.0-dev"

// Provider joins the two halves of Hetzner's provider (SDKv2 and plugin framework) under one description.
// metadata is the content of bridge-metadata.json as the generator wrote it, or "{}" for the generator itself.
func Provider(metadata []byte) sdkbridge.ProviderInfo {
	info := sdkbridge.ProviderInfo{
		Name:         "hcloud",
		Version:      Version,
		P:            tfbridge.MuxShimWithPF(context.Background(), sdkv2.NewProvider(hcloud.Provider()), hcloud.NewPluginProvider()),
		GitHubOrg:    "hetznercloud",
		MetadataInfo: sdkbridge.NewProviderMetadata(metadata),
		Resources:    map[string]*sdkbridge.ResourceInfo{},
	}
	// Pulumi's ids are strings; where Terraform's `id` is a number it has to be told so.
	info.P.ResourcesMap().Range(func(name string, resource shim.Resource) bool {
		if id, ok := resource.Schema().GetOk("id"); ok && id.Type() != shim.TypeString {
			info.Resources[name] = &sdkbridge.ResourceInfo{
				Fields: map[string]*sdkbridge.SchemaInfo{"id": {Type: "string"}},
			}
		}
		return true
	})
	info.MustComputeTokens(tokens.SingleModule("hcloud_", "index", tokens.MakeStandard("hcloud")))
	info.SetAutonaming(255, "-")
	return info
}
