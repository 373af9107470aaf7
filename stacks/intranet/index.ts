/**
 * The program of the whole intranet: configuration to arguments, nothing else. Settings are explained in
 * stacks/Pulumi.prod.example.yaml.
 */
import * as pulumi from "@pulumi/pulumi";
import { Intranet, type IntranetArgs } from "../../components";
import { readSettings, type Kind } from "../settings";

/** Every argument is a setting of the same name. */
const SETTINGS: Record<keyof IntranetArgs | "name", Kind> = {
  name: "text",
  domain: "text",
  zone: "text",
  space: "data",
  pools: "data",
  sshPublicKeys: "data",
  sinkhole: "data",
  sites: "data",
  links: "data",
  devices: "data",
  services: "data",
  dns: "data",
  certificateAuthority: "data",
  publicCertificates: "data",
  caa: "data",
  guests: "data",
  protect: "data",
};

const { name, ...given } = readSettings(pulumi.getProject(), SETTINGS, pulumi.runtime.allConfig());
// What is missing or of a wrong shape the component itself says, all of it at once.
const net = new Intranet((name as string | undefined) ?? "intranet", given as unknown as IntranetArgs);

/** What there is, by kind and name. */
export const inventory = net.inventory;
/** The managed hosts, for other stacks: `hostFrom(reference.requireOutput("hosts"), "home")`. */
export const hosts = net.hosts;
/** What can be reached, and by whom: an opening is one line of a preview. */
export const openings = net.openings;
/** What to enter on the routers of sites with `router: static`: by site and destination, the gateway. */
export const routes = net.routes;
/** By site whose host is joined by a script: whether it has joined. `bin/enrol NAME` prints what to run on it. */
export const enrolment = net.enrolment;
/** What runs where. For one release beside `inventory`. */
export const summary = net.summary;
/** Who can reach what. For one release beside `openings`. */
export const exposure = net.exposure;
/** The sinkhole's public addresses and host key. */
export const sinkhole = { ipv4: net.sinkhole.ipv4, ipv6: net.sinkhole.ipv6, hostPublicKey: net.sinkhole.hostPublicKey };
/** Each device's configuration and QR codes. Secret. */
export const devices = net.devices;
/** What to enter on the routers of sites with `router: static`. For one release beside `routes`. */
export const staticRoutes = net.staticRoutes;
/** Sites whose hosts are still to come. For one release beside `enrolment`. */
export const pending = net.pending;
/** The script that joins a host, by site. Secret: each holds the host's keys. */
export const enrol = net.enrol;
/**
 * The internal CA: its root certificate to be trusted, as PEM and as Apple's profile, its fingerprint, and the page
 * that explains how.
 */
export const certificateAuthority = net.certificateAuthority;
/** What to enter in DHCP and router advertisements of LANs, and a script that says which resolver answers. */
export const dns = net.dns;
