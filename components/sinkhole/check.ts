import {
  checkCloudName,
  checkDomain,
  checkKeyVersion,
  checkLabel,
  checkManagement,
  checkNamePrefix,
  isDomain,
  Issues,
  show,
} from "../../model";
import { checkAddress, checkInterface, checkOneOf, checkPorts, checkSpaces, checkSshPublicKeys } from "../common/check";
import type { PublishedService, SinkholeArgs } from "./args";

/** Hetzner's rules for labels (API reference, "Labels"). */
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

function checkLabelPair(key: string, value: string, issues: Issues): void {
  const [name = "", prefix] = key.split("/").reverse();
  const isKey = LABEL.test(name) && key.split("/").length <= 2 && (prefix === undefined || isDomain(prefix));
  const rule =
    "must be at most 63 letters, digits, dots, hyphens and underscores, the first and the last a letter or digit";
  if (!isKey) issues.add(`labels.${key}`, `a label's name ${rule}`, [show(key)], "rename it");
  if (!LABEL.test(value))
    issues.add(`labels.${key}`, `a label's value ${rule}`, [show(value)], "shorten it, or leave it out");
}

/** Hextets: the number of a site, and that of a service within it, stand in one each (model/public.ts). */
const isHextet = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 0xffff;

/** Ports of guests that the sinkhole itself needs. */
const OWN_PORTS: readonly number[] = [22, 80];

function checkPublished(published: readonly PublishedService[], issues: Issues): void {
  const [names, places] = [new Map<string, string>(), new Map<string, string>()];
  published.forEach(({ name, place, ports, guestPorts }, index) => {
    const path = `published[${index}]`;
    checkLabel(name, `${path}.name`, issues);
    for (const field of ["site", "service"] as const)
      if (!isHextet(place[field]))
        issues.add(`${path}.place.${field}`, "must be from 1 to 65535", [show(place[field])], "take it from the plan");
    const key = `${place.site}:${place.service}`;
    for (const [seen, what, at] of [
      [names, name, "name"],
      [places, key, "place"],
    ] as const) {
      const holder = seen.get(what);
      if (holder !== undefined)
        issues.add(`${path}.${at}`, `two services have the same ${at}`, [show(what), holder], "change one of them");
      seen.set(what, `${path}.${at}`);
    }
    if (ports.length === 0)
      issues.add(`${path}.ports`, "a service needs a port", ["an empty list"], "leave the service out");
    checkPorts(ports, `${path}.ports`, issues);
    checkPorts(guestPorts, `${path}.guestPorts`, issues);
    guestPorts.forEach((port, at) => {
      if (OWN_PORTS.includes(port))
        issues.add(
          `${path}.guestPorts[${at}]`,
          "the sinkhole itself answers at this port",
          [show(port)],
          "choose another",
        );
    });
  });
}

/** Checks a sinkhole's arguments; raises a ValidationError with all problems at once. */
export function checkSinkhole(subject: string, args: SinkholeArgs): void {
  const issues = new Issues();
  checkDomain(args.domain, "domain", issues);
  checkSpaces(args.space, issues);
  checkAddress(args.identity.v4, "identity.v4", 4, issues);
  checkAddress(args.identity.v6, "identity.v6", 6, issues);
  for (const field of ["location", "serverType", "image"] as const) checkCloudName(args[field], field, issues);
  checkManagement(args.management, "management.from", issues, new Issues());
  checkSshPublicKeys(args.sshPublicKeys, issues);
  checkPorts(args.udpPorts, "udpPorts", issues);
  if (args.hostKeyVersion !== undefined) checkKeyVersion(args.hostKeyVersion, "hostKeyVersion", issues);
  if (args.deviceInterface !== undefined) checkInterface(args.deviceInterface, "deviceInterface", issues);
  for (const [key, value] of Object.entries(args.labels ?? {})) checkLabelPair(key, value, issues);
  if (args.serverName !== undefined) checkLabel(args.serverName, "serverName", issues);
  if (args.namePrefix !== undefined) checkNamePrefix(args.namePrefix, "namePrefix", issues);
  if (args.webServer !== undefined) checkOneOf(args.webServer, ["denied", "own"], "webServer", issues);
  if (args.delivery !== undefined) checkOneOf(args.delivery, ["routed", "on-link"], "delivery", issues);
  (args.jumpTo ?? []).forEach((place, index) => {
    const [, v4, v6, port] = /^(?:\*|([0-9.]+)|\[([0-9a-f:.]+)\]):(\d{1,5})$/i.exec(place) ?? [];
    const path = `jumpTo[${index}]`;
    if (port === undefined || Number(port) < 1 || Number(port) > 65535)
      issues.add(
        path,
        "must be an address and a port, or * and a port",
        [show(place)],
        "write it like 10.31.240.2:2222 or [fd00::2]:2222",
      );
    else if (v4 !== undefined || v6 !== undefined) checkAddress((v4 ?? v6)!, path, v4 === undefined ? 6 : 4, issues);
  });
  checkPublished(args.published ?? [], issues);
  issues.throwIfAny(subject);
}
