/** The desired state of one Linux host over SSH, and the keys that hosts need. */
import "./stack-lines";

export type {
  CheckArgs,
  CommandArg,
  ConnectionArgs,
  DirectoryArgs,
  FileArgs,
  HostRoleArgs,
  LiveArgs,
  PackageFileArgs,
  PackageRepositoryArgs,
  PackageSourceArgs,
  PortArgs,
  ProbeArgs,
  UnitArgs,
  UserArgs,
} from "./args";
export { EnrolledHost, type EnrolledHostArgs } from "./enrolment/enrolled-host";
export { enrolmentScript, type RoleContent } from "./enrolment/script";
export {
  IntermediateCertificate,
  RootCertificate,
  type IntermediateCertificateArgs,
  type RootCertificateArgs,
} from "./keys/authority";
export { SharedSecret, SshHostKey, TunnelKeys, WireGuardKey, type KeyArgs, type WireGuardPair } from "./keys/resources";
export { HostRole } from "./role";
