import * as pulumi from "@pulumi/pulumi";

/** What host/provider.ts exports: one provider for each kind of resource. */
export type ProviderName = keyof typeof import("./provider");

/**
 * The code of a dynamic provider, as the engine keeps it in the state of each of its resources: it loads the installed
 * package and no more, so the state stays small and a new release takes effect at once. Its text must stay constant: a
 * change of it would show in every resource of every user.
 */
export function stub(provider: ProviderName): string {
  return `exports.handler = () => require("pulumi-intranet/host/provider").${provider};\n`;
}

/**
 * A resource of a dynamic provider of this package.
 *
 * What `pulumi.dynamic.Resource` is, but for how the code gets into the state: that one takes a function apart and
 * needs the TypeScript compiler for it, half a second in every run of every program; ours is text from the beginning.
 */
export abstract class DynamicResource extends pulumi.CustomResource {
  /**
   * `props` as for `pulumi.dynamic.Resource`: the inputs, and every output as undefined. `type` is the name of the
   * resource's type.
   */
  constructor(
    provider: ProviderName,
    type: string,
    name: string,
    props: pulumi.Inputs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(`pulumi-nodejs:dynamic/intranet/host:${type}`, name, { ...props, __provider: stub(provider) }, opts);
  }
}
