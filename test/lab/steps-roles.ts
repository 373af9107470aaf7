/** Roles that use all that a role can have, in two versions, and what there is of them on a host besides. */
import type { RoleInputs } from "../../host/resource/inputs";

/** A role without the way to its host. */
export type RoleContent = Omit<RoleInputs, "connection" | "owner" | "role">;

const unit = (exec: string, more = "") =>
  `[Unit]\nDescription=steps\n[Service]\n${more}ExecStart=${exec}\n[Install]\nWantedBy=multi-user.target\n`;
const HELD = "/etc/steps-held";
const SYSCTL = "net.ipv4.conf.lo.send_redirects";
/** The least there is: whoever was killed does not confirm, and that long the host waits. */
const SOON = { timeoutSeconds: 15 };
const WG = "/etc/wireguard/wg-steps.conf";

/** Units to look at. */
export const UNITS = ["steps.service", "wg-quick@wg-steps.service", "owner.service"];

/** Runs as root before the first role: what the owner of the host has, and what the lab's image lacks. */
export const OWNERS = `
cat >/etc/systemd/system/owner.service <<'END'
${unit("/bin/sleep infinity")}END
printf 'of the owner\\n' >/etc/steps-bad; chmod 0640 /etc/steps-bad
printf 'of the owner\\n' >/etc/steps-held; chmod 0604 /etc/steps-held; chown daemon /etc/steps-held
systemctl daemon-reload; systemctl enable -q --now owner.service
apt-get update -q; apt-get install -y -q --no-install-recommends wireguard-tools
`;
/** Takes that away again. */
export const OWNERS_GONE = `
systemctl disable -q --now owner.service; rm -f /etc/systemd/system/owner.service /etc/steps-bad /etc/steps-held
systemctl daemon-reload; apt-get purge -y -q wireguard-tools
`;

/**
 * Everything but packages: accounts, directories, files, secrets, a link, what must not be, sysctl, WireGuard,
 * nftables, units of each kind. The second version must be confirmed.
 */
export function everything(version: 1 | 2): RoleContent {
  const rules = `table inet steps { chain in { type filter hook input priority 0; tcp dport ${7000 + version} drop; }; }`;
  const key = Buffer.alloc(32, version).toString("base64");
  return {
    users: { steps: { groups: version === 1 ? ["stepsters"] : ["stepsters", "stepsmore"] } },
    directories: { "/etc/steps": { owner: "steps", mode: version === 1 ? "0750" : "0755" } },
    files: {
      ...(version === 1 ? { "/etc/steps/deep/first": { content: "first\n" } } : {}),
      [HELD]: { content: "of {{version}}\n", secrets: { version: `version ${version}` }, owner: "steps" },
      [WG]: {
        content: `[Interface]\nPrivateKey = {{key}}\nListenPort = ${51900 + version}\nAddress = 10.250.0.${version}/32\n`,
        secrets: { key },
      },
      "/etc/systemd/system/steps.service": {
        content: unit(
          "/bin/sleep infinity",
          `ExecStartPre=/usr/sbin/nft '${rules}'\nExecStopPost=/usr/sbin/nft delete table inet steps\n`,
        ),
      },
    },
    links: { "/etc/steps/link": `version ${version}` },
    absent: ["/etc/steps-bad"],
    sysctls: version === 1 ? { [SYSCTL]: "0" } : {},
    units: {
      "steps.service": { restartOn: [HELD] },
      "wg-quick@wg-steps.service": { restartOn: [WG] },
      "owner.service": version === 1 ? { state: "stopped", enabled: false } : {},
    },
    checks: [{ command: ["grep", "-q", "^of version", { staged: HELD }] }],
    probes: [{ command: ["nft", "list", "table", "inet", "steps"] }],
    confirm: version === 1 ? false : SOON,
  };
}

/** The same in its second version, but it does not work: the host undoes it. */
export const BROKEN: RoleContent = {
  ...everything(2),
  probes: [{ command: ["false"], timeoutSeconds: 1, description: "it works" }],
};

/** Packages that come and go, the daemon of one of them, what it gathers, an account. */
export function packaged(version: 1 | 2): RoleContent {
  const names = version === 1 ? ["ndppd"] : ["socat"];
  return {
    packages: names,
    users: version === 1 ? { extra: {} } : {},
    state: ["/var/lib/extra"],
    files: { "/etc/ndppd.conf": { content: `# version ${version}\n` } },
    probes: [{ command: ["mkdir", "-p", "/var/lib/extra/deep"] }],
  };
}
