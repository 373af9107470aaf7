/**
 * What the code in the state loads (see dynamic.ts). One instance of each for the life of the provider process, so that
 * connections, queues and claims are shared by all roles.
 */
import { ConnectionPool } from "./connection/pool";
import { EnrolmentProvider } from "./enrolment/provider";
import { IntermediateProvider, RootProvider } from "./keys/authority-provider";
import { KeyProvider, SharedSecretProvider } from "./keys/key-provider";
import { makeSharedSecret, makeSshHostPair, makeTunnelPairs, makeWireGuardPair } from "./keys/pairs";
import { endWithEngine } from "./process";
import { Conversations } from "./resource/converse";
import { RoleProvider } from "./resource/role-provider";

if (process.argv[1]?.includes("dynamic-provider")) endWithEngine();

const pool = new ConnectionPool();

/** Roles on hosts. */
export const role = new RoleProvider(new Conversations(pool));
/** Hosts that are brought in by hand. */
export const enrolledHost = new EnrolmentProvider(pool);
/** WireGuard keys. */
export const wireGuardKey = new KeyProvider("wireguard-key", makeWireGuardPair);
/** Both ends' WireGuard keys of a tunnel. */
export const tunnelKeys = new KeyProvider("tunnel-keys", makeTunnelPairs);
/** SSH host keys. */
export const sshHostKey = new KeyProvider("ssh-host-key", makeSshHostPair);
/** Secrets that two or more hosts share. */
export const sharedSecret = new SharedSecretProvider("shared-secret", makeSharedSecret);
/** Roots of certificate authorities. */
export const rootCertificate = new RootProvider();
/** What signs below a root. */
export const intermediateCertificate = new IntermediateProvider();
