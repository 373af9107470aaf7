/** What units of programs that serve the network do without (systemd.exec(5)). */

/** Nothing of the kernel, the clock, the homes and other accounts' processes. */
export const PROTECTED: readonly string[] = [
  "ProtectClock=yes",
  "ProtectControlGroups=yes",
  "ProtectHome=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "ProtectProc=invisible",
];

/**
 * The same and more, for a daemon that starts as root and may do what its capabilities say: no new rights, no devices,
 * no namespaces, no new code.
 */
export const SANDBOX: readonly string[] = [
  "LockPersonality=yes",
  "MemoryDenyWriteExecute=yes",
  "NoNewPrivileges=yes",
  "PrivateDevices=yes",
  "PrivateTmp=yes",
  ...PROTECTED,
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "SystemCallArchitectures=native",
];
