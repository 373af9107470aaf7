import {
  checkKeyVersion,
  checkLabel,
  checkLinkEnds,
  checkPort,
  containsAddress,
  Issues,
  MIN_TUNNEL_MTU,
  parseAddress,
  parsePrefix,
  show,
} from "../../model";
import { LINK_LOCAL_V6 } from "../common/nftables";
import { checkAddress, checkInterface, checkPrefixes, checkSpaces } from "../common/check";
import { checkInput, ENDPOINT, WIREGUARD_PUBLIC_KEY } from "../common/input";
import type { DeviceHubArgs, WireGuardEnd, WireGuardLinkArgs } from "./args";

function checkMtu(mtu: number, issues: Issues): void {
  if (Number.isInteger(mtu) && mtu >= MIN_TUNNEL_MTU && mtu <= 8920) return;
  issues.add(
    "mtu",
    `must be from ${MIN_TUNNEL_MTU}, which IPv6 needs, to 8920 bytes`,
    [show(mtu)],
    "take the way's MTU less 80",
  );
}

function checkEnd(end: WireGuardEnd, path: string, issues: Issues): void {
  checkLabel(end.host, `${path}.host`, issues);
  checkInterface(end.interface, `${path}.interface`, issues);
  if (end.other !== undefined) checkInterface(end.other, `${path}.other`, issues);
  checkAddress(end.v4, `${path}.v4`, 4, issues);
  checkAddress(end.v6, `${path}.v6`, 6, issues);
  if (parseAddress(end.v6)?.family === 6 && !containsAddress(parsePrefix(LINK_LOCAL_V6)!, parseAddress(end.v6)!)) {
    issues.add(
      `${path}.v6`,
      `a link's IPv6 address must be link-local, of ${LINK_LOCAL_V6}`,
      [show(end.v6)],
      "write it like fe80::a",
    );
  }
  if (end.listenPort !== undefined) checkPort(end.listenPort, `${path}.listenPort`, issues);
  if (end.endpoint) {
    checkInput(end.endpoint.address, `${path}.endpoint.address`, ENDPOINT, issues);
    checkPort(end.endpoint.port, `${path}.endpoint.port`, issues);
  }
  checkPrefixes(end.routes, `${path}.routes`, issues);
  checkAddress(end.source.v4, `${path}.source.v4`, 4, issues);
  checkAddress(end.source.v6, `${path}.source.v6`, 6, issues);
}

/** Checks a link; raises a ValidationError with all problems at once. */
export function checkLink(subject: string, args: WireGuardLinkArgs): void {
  const issues = new Issues();
  checkEnd(args.a, "a", issues);
  checkEnd(args.b, "b", issues);
  checkLinkEnds(args.a.host, args.b.host, "b.host", issues);
  for (const field of ["v4", "v6"] as const) {
    if (args.a[field] !== args.b[field]) continue;
    issues.add(
      `b.${field}`,
      "the two ends need different addresses",
      [`a.${field} ${show(args.a[field])}`, `b.${field} ${show(args.b[field])}`],
      "change one of them",
    );
  }
  if (!args.a.endpoint && !args.b.endpoint) {
    issues.add(
      "a.endpoint",
      "at least one end must be reachable from the other",
      ["neither a.endpoint nor b.endpoint is given"],
      "give the endpoint of the end with a public address",
    );
  }
  checkMtu(args.mtu, issues);
  if (args.keyVersion !== undefined) checkKeyVersion(args.keyVersion, "keyVersion", issues);
  issues.throwIfAny(subject);
}

/** Checks a device hub; raises a ValidationError with all problems at once. */
export function checkDeviceHub(subject: string, args: DeviceHubArgs): void {
  const issues = new Issues();
  checkInterface(args.interface, "interface", issues);
  checkPort(args.listenPort, "listenPort", issues);
  if (args.mtu !== undefined) checkMtu(args.mtu, issues);
  checkSpaces(args.pool, issues, "pool");
  checkAddress(args.address.v4, "address.v4", 4, issues);
  checkAddress(args.address.v6, "address.v6", 6, issues);
  const holders = new Map<string, string>([args.address.v4, args.address.v6].map((text) => [text, "address"]));
  args.devices.forEach((device, index) => {
    const path = `devices[${index}]`;
    checkLabel(device.name, `${path}.name`, issues);
    checkInput(device.publicKey, `${path}.publicKey`, WIREGUARD_PUBLIC_KEY, issues);
    for (const [field, family] of [
      ["v4", 4],
      ["v6", 6],
    ] as const) {
      checkAddress(device[field], `${path}.${field}`, family, issues);
      checkInPool(device[field], args.pool[field], `${path}.${field}`, issues);
      const holder = holders.get(device[field]);
      if (holder)
        issues.add(
          `${path}.${field}`,
          "two peers have the same address",
          [holder, `${path} ${show(device[field])}`],
          "give each device an address of its own",
        );
      holders.set(device[field], `${path} ${show(device[field])}`);
    }
  });
  issues.throwIfAny(subject);
}

function checkInPool(text: string, pool: string, path: string, issues: Issues): void {
  const [address, prefix] = [parseAddress(text), parsePrefix(pool)];
  if (!address || !prefix || containsAddress(prefix, address)) return;
  issues.add(
    path,
    "a device's address must lie in the pool",
    [show(text), `pool ${show(pool)}`],
    "choose an address of the pool",
  );
}
