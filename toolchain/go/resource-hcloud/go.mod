module pulumi-intranet/toolchain/resource-hcloud

go 1.25.11

require (
	github.com/hetznercloud/terraform-provider-hcloud v1.60.1
	github.com/pulumi/pulumi-terraform-bridge/v3 v3.135.0
	github.com/pulumi/pulumi/pkg/v3 v3.253.0
	github.com/pulumi/pulumi/sdk/v3 v3.253.0
)

replace github.com/hashicorp/terraform-plugin-sdk/v2 => github.com/pulumi/terraform-plugin-sdk/v2 v2.0.0-20260318212141-5525259d096b

// Code generators that a plugin never calls and that the Go module proxy does not serve.
replace (
	github.com/pulumi/pulumi-dotnet/pulumi-language-dotnet/v3 => ./stubs/pulumi-dotnet
	github.com/pulumi/pulumi-yaml => ./stubs/pulumi-yaml
)
