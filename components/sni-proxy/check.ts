/** What is wrong with a proxy's arguments: all of it at once. */
import { checkDomain, checkPort, isDomain, isWithinDomain, Issues, show } from "../../model";
import { checkOneOf } from "../common/check";
import { addressRule, checkInput } from "../common/input";
import type { GuestService, SniEngine, SniProxyArgs } from "./args";

/** Ports that no name leads on from: SSH, and the one whose requests nginx itself reads. */
const OWN_PORTS: readonly number[] = [22, 80];

/** Checks the arguments; raises a ValidationError with all problems at once. */
export function checkSniProxy(subject: string, args: SniProxyArgs): void {
  const issues = new Issues();
  checkDomain(args.domain, "domain", issues);
  const names = new Map<string, string>();
  args.services.forEach((service, index) => {
    const path = `services[${index}]`;
    checkService(service, args.domain, path, issues);
    const holder = names.get(service.hostname);
    if (holder !== undefined)
      issues.add(
        `${path}.hostname`,
        "two services have the same name",
        [`${holder} ${show(service.hostname)}`],
        "rename one of them",
      );
    names.set(service.hostname, `${path}.hostname`);
  });
  if (args.engine !== undefined) checkEngine(args.engine, "engine", issues);
  issues.throwIfAny(subject);
}

function checkService(service: GuestService, domain: string, path: string, issues: Issues): void {
  const { hostname, address, ports, web } = service;
  checkDomain(hostname, `${path}.hostname`, issues);
  if (isDomain(hostname) && isDomain(domain) && (hostname === domain || !isWithinDomain(hostname, domain)))
    issues.add(
      `${path}.hostname`,
      "a service's name must lie below the domain",
      [show(hostname), `domain ${show(domain)}`],
      "choose a name below it",
    );
  checkInput(address, `${path}.address`, addressRule(6), issues);
  if (ports.length === 0 && !web)
    issues.add(
      `${path}.ports`,
      "a service needs a port",
      ["an empty list"],
      "give its ports, or leave the service out",
    );
  ports.forEach((port, index) => {
    checkPort(port, `${path}.ports[${index}]`, issues);
    if (OWN_PORTS.includes(port))
      issues.add(
        `${path}.ports[${index}]`,
        "this host itself answers at this port",
        [show(port)],
        "choose another one",
      );
    if (ports.indexOf(port) !== index)
      issues.add(`${path}.ports[${index}]`, "a port stands here twice", [show(port)], "leave one out");
  });
}

/** Notes an engine that is none, and a program that nobody could get. */
export function checkEngine(engine: SniEngine, path: string, issues: Issues): void {
  checkOneOf(engine.kind, ["nginx", "snid"], `${path}.kind`, issues);
  if (engine.kind !== "snid") return;
  const { binary } = engine;
  if ("path" in binary && !/^(?:\/[A-Za-z0-9_+@-][A-Za-z0-9._+@-]*)+$/.test(binary.path))
    issues.add(
      `${path}.binary.path`,
      "must be an absolute path of letters, digits and . _ + @ -",
      [show(binary.path)],
      "write it like /usr/local/bin/snid",
    );
  if (!("url" in binary)) return;
  if (!/^https:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?\/[A-Za-z0-9._~/+@-]+$/.test(binary.url))
    issues.add(
      `${path}.binary.url`,
      "must be an https URL of letters, digits and . _ ~ / + @ -",
      [show(binary.url)],
      "write it like https://example.net/snid",
    );
  if (!/^[0-9a-f]{64}$/.test(binary.sha256))
    issues.add(
      `${path}.binary.sha256`,
      "must be a SHA-256 checksum: 64 lower case hex digits",
      [show(binary.sha256)],
      "take what `sha256sum` prints of the program",
    );
}
