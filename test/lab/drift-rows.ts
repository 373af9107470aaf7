/** Every kind of thing that a raw role owns, what a person does to it by hand, and how a refresh says so. */
import { STEP_CA_SOURCE } from "../../lab/constants";
import type { Trial } from "./host-program/trial";

/** One change by hand. */
export interface DriftRow {
  /** The argument of HostRoleArgs, and the field of its entry, that it is about. */
  readonly kind: string;
  /** What is done, as a line of shell. */
  readonly hand: string;
  /** What the refresh says of it. */
  readonly words: RegExp;
  /**
   * What shows the change, and afterwards that it is mended: a line of shell whose output must differ, and then be as
   * before.
   */
  readonly look: string;
}

const UNITS = "/usr/local/lib/systemd/system";
const unit = (more: string) => ({
  content: `[Service]\nExecStart=/bin/sleep infinity\n${more}[Install]\nWantedBy=multi-user.target\n`,
});
const at = (name: string) => `/etc/drift/${name}`;
const stat = (path: string) => `stat -c '%F %a %U:%G' ${path}`;
const shown = (name: string) => `systemctl is-enabled ${name}; systemctl is-active ${name}`;
const plain = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [at(name), { content: "first\nsecond\n" }]));

/** Units that the changes touch, so that they may start anew. No other unit may. */
export const TOUCHED = ["stop", "disable", "mask", "mask-runtime", "override", "edit", "gone"].map(
  (name) => `drift-${name}.service`,
);

/** What is applied. */
export const ROLES: Trial["roles"] = {
  things: {
    files: {
      ...plain("content", "mode", "owner", "group", "gone", "as-directory", "as-link", "below/inside"),
      [at("secret")]: { content: "before\nPrivateKey = {{key}}\nafter\n", secret: true },
    },
    directories: {
      [at("folder")]: { owner: "daemon", mode: "0750" },
      [at("folder-file")]: {},
      [at("below")]: {},
      [at("folder-gone")]: {},
    },
    links: { [at("link")]: "content", [at("link-file")]: "content", [at("link-gone")]: "content" },
    absent: [at("absent")],
    packages: ["socat", "step-ca"],
    packageSources: {
      "step-ca": {
        name: "the lab's repository",
        uri: STEP_CA_SOURCE.repository,
        suite: "debs",
        components: ["main"],
        key: STEP_CA_SOURCE.key,
        fingerprint: STEP_CA_SOURCE.fingerprint,
        packages: ["step-ca"],
      },
    },
    sysctls: { "net.ipv4.conf.lo.send_redirects": "0", "net.ipv4.conf.lo.secure_redirects": "0" },
    users: {
      "drift-shell": { home: "/var/lib/drift-home", shell: "/bin/sh", groups: ["drift-group"] },
      "drift-gone": {},
    },
  },
  services: {
    files: {
      ...Object.fromEntries(
        ["stop", "disable", "mask", "mask-runtime", "override", "gone", "off", "still"].map((name) => [
          `${UNITS}/drift-${name}.service`,
          unit(""),
        ]),
      ),
      "/etc/systemd/system/drift-edit.service": unit("Nice=5\n"),
    },
    units: {
      ...Object.fromEntries([...TOUCHED, "drift-still.service"].map((name) => [name, {}])),
      "drift-off.service": { enabled: false, state: "stopped" },
    },
    sysctls: { "net.ipv4.conf.lo.shared_media": "0" },
  },
  // A role of its own: where live state is mended, every unit of its role reads its files again.
  kernel: {
    files: {
      [`${UNITS}/drift-kernel.service`]: unit(
        "ExecStartPre=/bin/sh -c 'echo set >/run/drift'\nExecReload=/bin/sh -c 'echo set >/run/drift'\n",
      ),
    },
    units: { "drift-kernel.service": {} },
    live: { "what the unit has set": { command: ["cat", "/run/drift"] } },
  },
};

/** The changes; all of them are made at once, for none is in the way of another. */
export const DRIFT_ROWS: readonly DriftRow[] = [
  {
    kind: "files.content",
    hand: `sed -i 's/second/2nd/' ${at("content")}`,
    words: /-\s*second\n\s*\+\s*2nd\n/,
    look: `cat ${at("content")}`,
  },
  {
    kind: "files.secrets",
    hand: `sed -i 's/Key = .*/Key = handmade-other-secret/' ${at("secret")}`,
    words: /secret: its content was changed; it holds secrets/,
    look: `cat ${at("secret")}`,
  },
  {
    kind: "files.mode",
    hand: `chmod 0666 ${at("mode")}`,
    words: /drift\/mode: mode is 0666, applied was/,
    look: stat(at("mode")),
  },
  {
    kind: "files.owner",
    hand: `chown daemon: ${at("owner")}`,
    words: /drift\/owner: owner is daemon, applied was/,
    look: stat(at("owner")),
  },
  {
    kind: "files.group",
    hand: `chgrp daemon ${at("group")}`,
    words: /drift\/group: group is daemon, applied was/,
    look: stat(at("group")),
  },
  { kind: "files", hand: `rm ${at("gone")}`, words: /drift\/gone: is gone/, look: `cat ${at("gone")}` },
  {
    kind: "files",
    hand: `rm ${at("as-directory")}; mkdir ${at("as-directory")}`,
    words: /as-directory: a directory stands here/,
    look: stat(at("as-directory")),
  },
  {
    kind: "files",
    hand: `mv ${at("as-link")} ${at("moved")}; ln -s moved ${at("as-link")}`,
    words: /as-link: a link stands here \(to moved\)/,
    look: stat(at("as-link")),
  },
  {
    kind: "packageSources",
    hand: ": >/etc/apt/preferences.d/intranet-step-ca.pref",
    words: /source of package step-ca: its key, its pin or itself is not as applied/,
    look: "cat /etc/apt/preferences.d/intranet-step-ca.pref",
  },
  {
    kind: "directories.mode",
    hand: `chmod 0777 ${at("folder")}`,
    words: /folder: mode is 0777, applied was 0750/,
    look: stat(at("folder")),
  },
  {
    kind: "directories.owner",
    hand: `chown bin ${at("folder")}`,
    words: /folder: owner is bin, applied was daemon/,
    look: stat(at("folder")),
  },
  {
    kind: "directories.group",
    hand: `chgrp bin ${at("folder-gone")}/../folder-file/.`,
    words: /folder-file: group is bin/,
    look: stat(at("folder-file")),
  },
  {
    kind: "directories",
    hand: `rmdir ${at("folder-gone")}`,
    words: /folder-gone: is gone/,
    look: stat(at("folder-gone")),
  },
  {
    kind: "directories",
    hand: `mv ${at("below")} /var/tmp/drift-below; ln -s /var/tmp/drift-below ${at("below")}`,
    words: /below: a link stands here \(to \/var\/tmp\/drift-below\), applied was a directory/,
    look: `${stat(at("below"))}; cat ${at("below/inside")}`,
  },
  {
    kind: "links",
    hand: `ln -sfn elsewhere ${at("link")}`,
    words: /link: elsewhere, applied was content/,
    look: `readlink ${at("link")}`,
  },
  {
    kind: "links",
    hand: `rm ${at("link-file")}; echo x >${at("link-file")}`,
    words: /link-file: \[drift: a file stands here\]/,
    look: `readlink ${at("link-file")}`,
  },
  { kind: "links", hand: `rm ${at("link-gone")}`, words: /link-gone: is gone/, look: `readlink ${at("link-gone")}` },
  {
    kind: "absent",
    hand: `echo back >${at("absent")}`,
    words: /drift\/absent: is there, and is to be absent/,
    look: `ls ${at("absent")}`,
  },
  {
    kind: "packages",
    hand: "dpkg --purge socat",
    words: /package socat: is not installed any more/,
    look: "dpkg-query -W -f '${db:Status-Abbrev}' socat",
  },
  {
    kind: "sysctls",
    hand: "echo 1 >/proc/sys/net/ipv4/conf/lo/send_redirects",
    words: /sysctl net\.ipv4\.conf\.lo\.send_redirects: is 1, applied was 0/,
    look: "cat /proc/sys/net/ipv4/conf/lo/send_redirects",
  },
  {
    kind: "sysctls",
    hand: "sed -i 's/secure_redirects = 0/secure_redirects = 1/' /etc/sysctl.d/zz-intranet-trial-things.conf",
    words:
      /zz-intranet-trial-things\.conf: - net\.ipv4\.conf\.lo\.secure_redirects = 0, \+ net\.ipv4\.conf\.lo\.secure_redirects = 1/,
    look: "cat /etc/sysctl.d/zz-intranet-trial-things.conf",
  },
  {
    kind: "sysctls",
    hand: "rm /etc/sysctl.d/zz-intranet-trial-services.conf",
    words: /zz-intranet-trial-services\.conf: the file is gone: the values would not survive a reboot/,
    look: "cat /etc/sysctl.d/zz-intranet-trial-services.conf",
  },
  {
    kind: "users.shell",
    hand: "usermod --shell /bin/bash drift-shell",
    words: /user drift-shell: shell is \/bin\/bash, applied was \/bin\/sh/,
    look: "getent passwd drift-shell",
  },
  {
    kind: "users.home",
    hand: "usermod --home /tmp drift-shell",
    words: /user drift-shell: home is \/tmp, applied was \/var\/lib\/drift-home/,
    look: "getent passwd drift-shell",
  },
  {
    kind: "users.groups",
    hand: "gpasswd --delete drift-shell drift-group",
    words: /user drift-shell: is not in group drift-group any more/,
    look: "id -nG drift-shell",
  },
  { kind: "users", hand: "userdel drift-gone", words: /user drift-gone: is gone/, look: "id drift-gone" },
  {
    kind: "units.state",
    hand: "systemctl stop drift-stop",
    words: /unit drift-stop\.service: is enabled and stopped, applied was enabled and started/,
    look: shown("drift-stop"),
  },
  {
    kind: "units.state",
    hand: "systemctl start drift-off",
    words: /unit drift-off\.service: is disabled and started, applied was disabled and stopped/,
    look: shown("drift-off"),
  },
  {
    kind: "units.enabled",
    hand: "systemctl disable drift-disable",
    words: /unit drift-disable\.service: is disabled and started, applied was enabled and started/,
    look: shown("drift-disable"),
  },
  {
    kind: "units",
    hand: "systemctl mask --now drift-mask",
    words: /unit drift-mask\.service: is masked and stopped, applied was enabled and started/,
    look: shown("drift-mask"),
  },
  {
    kind: "units",
    hand: "systemctl mask --runtime drift-mask-runtime",
    words: /unit drift-mask-runtime\.service: is masked and started/,
    look: shown("drift-mask-runtime"),
  },
  {
    kind: "units",
    hand: "printf '[Service]\\nNice=7\\n' >/etc/systemd/system/drift-override.service.d/hand.conf; systemctl daemon-reload; systemctl restart drift-override",
    words:
      /unit drift-override\.service: is overridden by \/etc\/systemd\/system\/drift-override\.service\.d\/hand\.conf/,
    look: "systemctl show -p Nice drift-override",
  },
  {
    kind: "units",
    hand: `sed 's/infinity/1d/' ${UNITS}/drift-gone.service >/etc/systemd/system/drift-gone.service; systemctl daemon-reload`,
    words: /unit drift-gone\.service: is overridden by \/etc\/systemd\/system\/drift-gone\.service/,
    look: "systemctl show -p FragmentPath drift-gone",
  },
  {
    kind: "units",
    hand: "sed -i s/Nice=5/Nice=9/ /etc/systemd/system/drift-edit.service; systemctl daemon-reload; systemctl restart drift-edit",
    words: /-\s*Nice=5\n\s*\+\s*Nice=9\n/,
    look: "systemctl show -p Nice drift-edit",
  },
  {
    kind: "live",
    hand: "echo unset >/run/drift",
    words: /what the unit has set: - set, \+ unset/,
    look: "cat /run/drift",
  },
];

/** Arguments that nobody can change on a host by hand, each with the reason. */
export const NO_DRIFT: Readonly<Record<string, string>> = {
  connection: "the way to the host: a wrong one is an error",
  role: "the name in the ledger",
  machine: "what identifies the host",
  "files.values": "a part of the content",
  "units.reloadOn": "what happens in an up",
  "units.restartOn": "what happens in an up",
  "users.system": "decided when the account is made",
  "live.command": "the question, not the answer",
  state: "what daemons gather is theirs",
  ports: "a claim: what listens there are the units",
  checks: "what happens in an up",
  probes: "what happens in an up",
  confirm: "what happens in an up",
  lastWay: "what happens in a deletion",
  beforeDelete: "what happens in a deletion",
  installsHostKey: "which of its files is the host key",
};
