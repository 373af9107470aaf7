import * as pulumi from "@pulumi/pulumi";
import { HostRole } from "../../host";
import { checkDomain, checkPort, Issues, parseAddress, show } from "../../model";
import { roleHost, roleOptions } from "../common/managed-host";
import type { ReverseProxyArgs } from "./args";
import { proxyRole } from "./roles";

/**
 * Offers a host's applications by name, on the given addresses and no other, over plain HTTP. Each application sees the client's real
 * address in X-Forwarded-For; what a client claims there is discarded.
 */
export class ReverseProxy extends pulumi.ComponentResource {
  /** What waits for it. */
  public readonly ready: pulumi.Resource[];

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: ReverseProxyArgs, opts?: pulumi.ComponentResourceOptions) {
    checkReverseProxy(`reverse proxy "${name}"`, args);
    super("intranet:reverse-proxy:ReverseProxy", name, {}, opts);
    this.ready = [new HostRole(`${name}-caddy`, { ...roleHost(args), ...proxyRole(args) }, roleOptions(this, args))];
    this.registerOutputs({});
  }
}

function checkReverseProxy(subject: string, args: ReverseProxyArgs): void {
  const issues = new Issues();
  const names = new Map<string, string>();
  args.sites.forEach((site, index) => {
    const path = `sites[${index}]`;
    if (site.hostname.length === 0)
      issues.add(`${path}.hostname`, "an application needs a name", ["an empty list"], "give its domain name");
    site.hostname.forEach((hostname, position) => {
      const at = `${path}.hostname[${position}]`;
      checkDomain(hostname, at, issues);
      const holder = names.get(hostname);
      if (holder)
        issues.add(
          at,
          "two applications have the same name",
          [`${holder} ${show(hostname)}`, `${at} ${show(hostname)}`],
          "rename one of them",
        );
      names.set(hostname, at);
    });
    checkUpstream(site.upstream, `${path}.upstream`, issues);
  });
  checkListen(args.listen, issues);
  issues.throwIfAny(subject);
}

/** Loopback only: on any other address the application would be reachable past the proxy. */
function checkUpstream(upstream: string, path: string, issues: Issues): void {
  const match = /^(?:127\.0\.0\.1|\[::1\]):(\d{1,5})$/.exec(upstream);
  if (!match)
    issues.add(
      path,
      "an application must listen on the loopback of the proxy's host",
      [show(upstream)],
      "write it like 127.0.0.1:8080",
    );
  else checkPort(Number(match[1]), path, issues);
}

function checkListen(listen: readonly string[], issues: Issues): void {
  if (listen.length === 0)
    issues.add("listen", "the proxy needs an address", ["an empty list"], "give the host's identity");
  listen.forEach((text, index) => {
    const address = parseAddress(text);
    if (!address) issues.add(`listen[${index}]`, "must be an address", [show(text)], "write it like 10.31.240.1");
    else if (address.value === 0n)
      issues.add(
        `listen[${index}]`,
        "must not be every address",
        [show(text)],
        "give the host's identity and its LAN address",
      );
  });
}
