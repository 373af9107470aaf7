import type { PublicPlace, SinkholeSpec } from "../../model";

/** A service that the Internet reaches through the sinkhole, at an address of its own. */
export interface PublishedService {
  /** The service's name: a DNS label, once in the list. */
  name: string;
  /** Its place in the sinkhole's /64, from which its address follows. */
  place: PublicPlace;
  /** The TCP ports of its own IPv6 address that everybody reaches, at least one. */
  ports: number[];
  /**
   * The TCP ports of the sinkhole's IPv4 address at which its name leads to it; 80 and 443 are open anyway. Empty:
   * none.
   */
  guestPorts: number[];
}

/** Arguments of {@link Sinkhole}. */
export interface SinkholeArgs extends Pick<
  SinkholeSpec,
  | "location"
  | "serverType"
  | "image"
  | "management"
  | "hostKeyVersion"
  | "delivery"
  | "devicesReachEachOther"
  | "namePrefix"
> {
  /** The domain whose names lead here; for the reverse names of its addresses. */
  domain: string;
  /** The supernets of the intranet: nothing of them enters or leaves but by a tunnel. */
  space: { v4: string; v6: string };
  /** The host's own addresses in the intranet. */
  identity: { v4: string; v6: string };
  /**
   * The operators' SSH public keys, OpenSSH form, at least one: who may log in as root, and nobody else. A new server
   * is created with them; later changes are made on the server and do not replace it. One that the Hetzner project
   * holds already is used, not made again.
   */
  sshPublicKeys: string[];
  /** WireGuard's UDP ports that are open to the Internet. */
  udpPorts: number[];
  /**
   * The interface that devices come in by; routing is spoken on every other tunnel, and not on this one. Default
   * `wg-devices`.
   */
  deviceInterface?: string;
  /**
   * What answers at ports 80 and 443. `denied` (default): the ACCESS DENIED page. `own`: the caller brings the web
   * server, for example a SniProxy.
   */
  webServer?: "denied" | "own";
  /**
   * Where operators' SSH connections may go on to from here, each an address with its port such as `10.31.240.2:2222`,
   * or `*:2222` (PermitOpen, sshd_config(5)). Default: anywhere.
   */
  jumpTo?: string[];
  /**
   * The services that visitors from the Internet are let through to, and whose own connections get out. Default: none,
   * and nothing is forwarded.
   */
  published?: PublishedService[];
  /**
   * Guards server and addresses: Pulumi refuses to delete them, and so does Hetzner. Default true. To take everything
   * down, set it to false, run `pulumi up`, then `pulumi destroy`. It is the preview of `destroy` that refuses before
   * anything is gone: with `--skip-preview` what is not protected goes first.
   */
  protect?: boolean;
  /** More labels for what is made at Hetzner. */
  labels?: Record<string, string>;
  /**
   * The server's name at Hetzner and its host name. Default `vps`. Changing it renames; the host keeps its name until
   * it is made anew.
   */
  serverName?: string;
}
