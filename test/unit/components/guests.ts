/** Public services that tests publish, and the sinkhole's filter for them. */
import type { SinkholeFirewall } from "../../../components/sinkhole/firewall";
import { PLAN } from "./fixtures";

/** The address of a web site, at home. */
export const WIKI = "2001:db8:1:0:2::1";
/** That of a service at a port of its own, on the same host. */
export const MAIL = "2001:db8:1:0:2::2";
/** That of a web site at another site. */
export const CABIN = "2001:db8:1:0:3::1";
/** All three as the proxy knows them. */
export const services = [
  { hostname: "wiki.intranet.example", address: WIKI, ports: [443], web: true },
  { hostname: "mail.intranet.example", address: MAIL, ports: [8883], web: false },
  { hostname: "notes.intranet.example", address: CABIN, ports: [443], web: true },
];
/** The filter that lets visitors through to them. */
export const firewall: SinkholeFirewall = {
  space: { v4: "10.16.0.0/12", v6: "fd00:1:2::/48" },
  deviceInterface: PLAN.deviceHub.interface,
  management: [],
  devicesReachEachOther: false,
  udpPorts: [PLAN.deviceHub.listenPort],
  published: {
    network: "2001:db8:1::/64",
    services: [
      { address: WIKI, ports: [80, 443] },
      { address: MAIL, ports: [8883] },
      { address: CABIN, ports: [443] },
    ],
    guestPorts: [8883],
    onLink: false,
  },
};
