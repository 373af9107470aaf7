import type { SinkholeSpec } from "../../model";

/** Arguments of {@link Sinkhole}. */
export interface SinkholeArgs extends Pick<
  SinkholeSpec,
  "location" | "serverType" | "image" | "management" | "hostKeyVersion"
> {
  /** The domain whose names lead here; for the reverse names of its addresses. */
  domain: string;
  /** The supernets of the intranet: nothing of them enters or leaves but by a tunnel. */
  space: { v4: string; v6: string };
  /** The host's own addresses in the intranet. */
  identity: { v4: string; v6: string };
  /**
   * The operators' SSH public keys, OpenSSH form, at least one: who may log in as root, and nobody else. A new server is created with them;
   * later changes are made on the server and do not replace it. One that the Hetzner project holds already is used, not made again.
   */
  sshPublicKeys: string[];
  /** WireGuard's UDP ports that are open to the Internet. */
  udpPorts: number[];
  /** The interface that devices come in by; routing is spoken on every other tunnel, and not on this one. Default `wg-devices`. */
  deviceInterface?: string;
  /**
   * Guards server and addresses: Pulumi refuses to delete them, and so does Hetzner. Default true. To take everything down, set it to
   * false, run `pulumi up`, then `pulumi destroy`. It is the preview of `destroy` that refuses before anything is gone: with
   * `--skip-preview` what is not protected goes first.
   */
  protect?: boolean;
  /** More labels for what is made at Hetzner. */
  labels?: Record<string, string>;
  /** The server's name at Hetzner and its host name. Default `vps`. Changing it renames; the host keeps its name until it is made anew. */
  serverName?: string;
}
