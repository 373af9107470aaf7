/** The Internet inside the lab: its router, the service network, the sites behind their routers, the operator. */
import { existsSync } from "node:fs";
import { HOME, INTERNET, OPERATOR, SERVICES, SITES, type Site } from "../constants";
import { INTERNET_NS, plugIntoInternet, plugIntoLan, uplinkAddressCommands } from "./attachment";
import { addNamespace, ip, macFor, makeRouter, nft, sysctl } from "./net";
import { blackHoleRuleset, routerRuleset } from "./router";

/** Namespace of the services: clouds, names, packages, the certificate authority. */
export const SERVICES_NS = "services";

/** The LAN side of a router with prefix lengths. */
function withLength(address: string, prefix: string): string {
  return `${address}/${prefix.split("/")[1]}`;
}

async function makeSite(site: Site): Promise<void> {
  const { router, lan, wan } = site;
  await addNamespace(router);
  await makeRouter(router);
  await plugIntoInternet({
    name: site.name,
    namespace: router,
    ifname: "wan",
    mac: macFor(router),
    prefixes: [`${wan.ipv4}/32`, site.delegated],
    ...(site.narrow === undefined ? {} : { mtu: site.narrow }),
  });
  await ip(
    [
      ...uplinkAddressCommands("wan", [wan.ipv4, wan.ipv6]),
      // What of the delegated prefix no LAN uses must not bounce between the router and its provider (RFC 7084, WPD-5).
      `route add unreachable ${site.delegated}`,
      // With an address of its own: else it changes with every port, and neighbours send to one that is gone.
      `link add lan address ${macFor(`${router} lan`)} type bridge stp_state 0 forward_delay 0`,
      "link set lan up",
      `addr add ${withLength(lan.ipv4Gateway, lan.ipv4Prefix)} dev lan`,
      `addr add ${withLength(lan.ipv6Gateway, lan.ipv6Prefix)} dev lan nodad`,
    ],
    router,
  );
  await withoutBridgeFilter(router);
  await nft(routerRuleset(site), router);
}

/**
 * What passes between two ports of a LAN is not the router's matter. Where the machine's kernel has br_netfilter, it
 * would track such connections all the same, and not translate their addresses any more when they go on by the router.
 */
async function withoutBridgeFilter(router: string): Promise<void> {
  if (!existsSync("/proc/sys/net/bridge")) return;
  await sysctl({ "net.bridge.bridge-nf-call-iptables": 0, "net.bridge.bridge-nf-call-ip6tables": 0 }, router);
}

async function makeServices(): Promise<void> {
  await addNamespace(SERVICES_NS);
  await plugIntoInternet({
    name: SERVICES_NS,
    namespace: SERVICES_NS,
    ifname: "uplink",
    mac: macFor(SERVICES_NS),
    prefixes: [SERVICES.ipv4Prefix, SERVICES.ipv6Prefix],
  });
  const { hetzner, cloudflare, resolver, authoritative, packages, acme } = SERVICES;
  await ip(
    uplinkAddressCommands(
      "uplink",
      [hetzner, cloudflare, resolver, authoritative, packages, acme].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]),
    ),
    SERVICES_NS,
  );
}

async function makeOperator(): Promise<void> {
  await addNamespace(OPERATOR.name);
  await plugIntoLan(HOME.router, OPERATOR.name, OPERATOR.name, macFor(OPERATOR.name));
  await ip(
    [
      "link set eth0 up",
      `addr add ${withLength(OPERATOR.ipv4, HOME.lan.ipv4Prefix)} dev eth0`,
      `addr add ${withLength(OPERATOR.ipv6, HOME.lan.ipv6Prefix)} dev eth0 nodad`,
      `route add default via ${HOME.lan.ipv4Gateway}`,
      `route add default via ${HOME.lan.ipv6Gateway}`,
    ],
    OPERATOR.name,
  );
}

/** Makes everything that is not a host: the router, services, sites, operator. Run once, in fresh namespaces. */
export async function makeInternet(): Promise<void> {
  await addNamespace(INTERNET_NS);
  await makeRouter(INTERNET_NS);
  await ip([`addr add ${INTERNET.ipv4}/32 dev lo`, `addr add ${INTERNET.ipv6}/128 dev lo`], INTERNET_NS);
  await Promise.all([makeServices(), ...SITES.map(makeSite)]);
  await nft(blackHoleRuleset(SITES), INTERNET_NS);
  await makeOperator();
}
