import * as pulumi from "@pulumi/pulumi";
import { HostRole, IntermediateCertificate, RootCertificate } from "../../host";
import { roleHost, roleOptions, whenReady } from "../common/managed-host";
import type { RoleContent } from "../host-identity/roles";
import type { CertificateAuthorityArgs } from "./args";
import { checkCertificateAuthority } from "./check";
import { expiryNotice } from "./expiry";
import { PAGE_FOLDER, pageValues, renderMobileConfig } from "./page";
import { type AuthorityConfig, CRL_PORT, directoryUrl } from "./render";
import { authorityRole, pageRole } from "./roles";

/**
 * A certificate authority for one domain: a root whose key stays in the stack's state, an intermediate on the host,
 * step-ca that issues short-lived certificates by ACME to whoever answers under a name, a revocation list, and a page
 * for devices. Nothing below its root is valid outside the domain.
 */
export class CertificateAuthority extends pulumi.ComponentResource {
  /** What waits for it; filled as soon as the host is there. */
  public readonly ready: pulumi.Resource[] = [];
  /** What devices and proxies trust, PEM. */
  public readonly rootCertificate: pulumi.Output<string>;
  /** SHA-256 of the root, upper-case pairs with colons. */
  public readonly fingerprint: pulumi.Output<string>;
  /** Where proxies ask for certificates. */
  public readonly directory: string;
  /** The root as a profile for Apple's devices. */
  public readonly mobileConfig: pulumi.Output<string>;
  /** What a proxy on this host offers over plain http, for devices that do not trust the root yet. */
  public readonly page: { hostname: string; folder: string };

  /** @throws ValidationError with every problem of the arguments */
  constructor(name: string, args: CertificateAuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
    checkCertificateAuthority(`certificate authority "${name}"`, args);
    super("intranet:certificate-authority:CertificateAuthority", name, {}, opts);
    const { domain, organisation = domain, hostname = `ca.${domain}`, rootVersion = 1 } = args;
    const root = new RootCertificate(
      `${name}-root`,
      { organisation, domain, keyVersion: rootVersion, ...given("lifetimeDays", args.rootLifetimeDays) },
      { parent: this },
    );
    const intermediate = new IntermediateCertificate(
      `${name}-intermediate`,
      {
        root,
        ...given("keyVersion", args.intermediateVersion),
        ...given("lifetimeDays", args.intermediateLifetimeDays),
      },
      { parent: this },
    );
    const config: AuthorityConfig = {
      domain,
      hostname,
      address: args.identity.v4,
      port: args.port ?? 9000,
      crlPort: args.crlPort ?? CRL_PORT,
      // Another root is another directory: a proxy that knew the old one asks at once and does not wait for a renewal.
      provisioner: rootVersion === 1 ? "acme" : `acme-${rootVersion}`,
      leafLifetime: args.leafLifetime ?? "168h",
      subdomains: args.subdomains ?? [],
    };
    const certificates = {
      root: root.certificate,
      intermediate: intermediate.certificate,
      key: intermediate.privateKey,
    };
    const values = pulumi.all([root.certificate, root.fingerprint]).apply(([pem, print]) => pageValues(pem, print));
    whenReady(args, (after) => {
      const make = (suffix: string, content: RoleContent): HostRole =>
        new HostRole(`${name}-${suffix}`, { ...roleHost(args), ...content }, roleOptions(this, { ...args, after }));
      this.ready.push(
        make("server", authorityRole(config, certificates, args.source)),
        make("page", pageRole({ organisation, domain }, values)),
      );
    });
    this.rootCertificate = root.certificate;
    this.fingerprint = root.fingerprint;
    this.directory = directoryUrl(config);
    this.mobileConfig = values.apply((all) =>
      renderMobileConfig({ organisation, domain }).replace(/\{\{(\w+)\}\}/g, (_, key: string) => all[key]!),
    );
    this.page = { hostname, folder: PAGE_FOLDER };
    this.tell(domain, root, intermediate);
    this.registerOutputs({ rootCertificate: this.rootCertificate, fingerprint: this.fingerprint });
  }

  /** Says in each preview and update, in one line, until when the certificates are valid. */
  private tell(domain: string, root: RootCertificate, intermediate: IntermediateCertificate): void {
    const dates = [root, intermediate].map(({ notBefore, notAfter }) => pulumi.all([notBefore, notAfter]));
    pulumi.all(dates).apply(async (all) => {
      const [ofRoot, ofIntermediate] = all.map(([notBefore, notAfter]) => ({ notBefore, notAfter }));
      const notices = [
        expiryNotice("the root", ofRoot!, "raise rootVersion and install the new root on every device", Date.now()),
        expiryNotice("the intermediate", ofIntermediate!, "raise intermediateVersion", Date.now()),
      ];
      const text = `certificates of ${domain}: ${notices.map((notice) => notice.text).join("; ")}`;
      await (notices.some(({ urgent }) => urgent) ? pulumi.log.warn(text, this) : pulumi.log.info(text, this));
    });
  }
}

/** A field that is left out when it has no value. */
function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
