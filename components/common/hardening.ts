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
