/** What is wrong with a proxy's arguments: all of it at once. */
import {
  checkDirectory,
  checkDomain,
  checkEmail,
  checkPort,
  checkRenewInterval,
  Issues,
  parseAddress,
  show,
} from "../../model";
import { checkOneOf, checkUnique } from "../common/check";
import { addressRule, CERTIFICATES, checkInput } from "../common/input";
import type { PublicCertificates, ReverseProxyArgs, ReverseProxyCertificates } from "./args";

/** Checks a proxy; raises a ValidationError with all problems at once. */
export function checkReverseProxy(subject: string, args: ReverseProxyArgs): void {
  const issues = new Issues();
  const names = new Map<string, string>();
  const checkName = (hostname: string, at: string): void => {
    checkDomain(hostname, at, issues);
    checkUnique(hostname, at, "two applications have the same name", names, issues);
  };
  args.sites.forEach((site, index) => {
    const path = `sites[${index}]`;
    if (site.hostname.length === 0)
      issues.add(`${path}.hostname`, "an application needs a name", ["an empty list"], "give its domain name");
    site.hostname.forEach((hostname, position) => checkName(hostname, `${path}.hostname[${position}]`));
    checkPublicSite(args, index, issues);
    checkUpstream(site.upstream, `${path}.upstream`, issues);
  });
  (args.pages ?? []).forEach((page, index) => {
    checkName(page.hostname, `pages[${index}].hostname`);
    checkFolder(page.folder, `pages[${index}].folder`, issues);
  });
  checkListen(args.listen, issues);
  if (args.certificates) checkCertificates(args.certificates, issues);
  if (args.publicCertificates) checkPublicCertificates(args.publicCertificates, issues);
  issues.throwIfAny(subject);
}

/** Loopback only: on any other address the application would be reachable past the proxy. */
function checkUpstream(upstream: string, path: string, issues: Issues): void {
  const match = /^(?:127\.0\.0\.1|\[::1\]|localhost):(\d{1,5})$/.exec(upstream);
  if (!match)
    issues.add(
      path,
      "an application must listen on the loopback of the proxy's host",
      [show(upstream)],
      "write it like 127.0.0.1:8080",
    );
  else checkPort(Number(match[1]), path, issues);
}

/** A path that a Caddyfile takes as it is. */
function checkFolder(folder: string, path: string, issues: Issues): void {
  if (/^(?:\/[A-Za-z0-9_+@-][A-Za-z0-9._+@-]*)+$/.test(folder)) return;
  issues.add(
    path,
    "must be an absolute path of letters, digits and . _ + @ -",
    [show(folder)],
    "write it like /srv/page",
  );
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

function checkCertificates(certificates: ReverseProxyCertificates, issues: Issues): void {
  const { directory, rootCertificate, renewInterval } = certificates;
  checkInput(rootCertificate, "certificates.rootCertificate", CERTIFICATES, issues);
  checkDirectory(directory, "certificates.directory", issues);
  if (renewInterval !== undefined) checkRenewInterval(renewInterval, "certificates.renewInterval", issues);
}

function checkPublicCertificates({ directory, rootCertificate, email }: PublicCertificates, issues: Issues): void {
  checkDirectory(directory, "publicCertificates.directory", issues);
  if (rootCertificate !== undefined)
    checkInput(rootCertificate, "publicCertificates.rootCertificate", CERTIFICATES, issues);
  if (email !== undefined) checkEmail(email, "publicCertificates.email", issues);
}

/** What an application needs that a public authority certifies, and what only such a one can have. */
function checkPublicSite({ sites, publicCertificates }: ReverseProxyArgs, index: number, issues: Issues): void {
  const { authority = "internal", listen = [] } = sites[index]!;
  const path = `sites[${index}]`;
  checkOneOf(authority, ["internal", "public"], `${path}.authority`, issues);
  if (authority === "public" && !publicCertificates)
    issues.add(`${path}.authority`, "needs a public authority", ["nothing"], "give publicCertificates");
  if (authority !== "public" && listen.length > 0)
    issues.add(
      `${path}.listen`,
      "belongs to an application with a public certificate",
      [`authority ${show(authority)}`],
      'leave it out, or write authority: "public"',
    );
  listen.forEach((address, position) => {
    checkInput(address, `${path}.listen[${position}]`, addressRule(6), issues);
  });
}
