/** The disks that hosts start from: Debian made by mmdebstrap, once, in a cache that is addressed by its recipe. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { DEBIAN_SUITE, PACKAGES_URL } from "../constants";
import { cacheDir } from "../paths";
import { run } from "../process";
import { labSources, machineAcquire } from "./apt";
import { buildOnce } from "./cache";
import { DEVICE_PACKAGES, SERVER_PACKAGES } from "./packages";

/** `server`: like a cloud's Debian image; `device`: somebody's computer. */
export type ImageKind = "server" | "device";

/** Units that only cost time on a host that lives for an afternoon inside a container. */
const MASKED = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "cloud-init-hotplugd.socket",
  "console-getty.service",
  "container-getty@.service",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "getty@.service",
  "getty.target",
  "man-db.timer",
  "systemd-hwdb-update.service",
  "systemd-journal-catalog-update.service",
  "systemd-pstore.service",
  "systemd-udev-trigger.service",
  "systemd-udevd.service",
  "systemd-udevd-control.socket",
  "systemd-udevd-kernel.socket",
];

/** Tells the supervisor that a host is up; /run is new on each boot. */
const READY_UNIT = `[Unit]
Description=Tell the lab that the host has booted
After=ssh.service systemd-networkd.service systemd-resolved.service

[Service]
Type=oneshot
ExecStart=/usr/bin/touch /run/lab-ready

[Install]
WantedBy=multi-user.target
`;

/** What a cloud's image adjusts in cloud-init: root logs in with the given keys, the package sources stay. */
const CLOUD_CFG = `datasource_list: [ NoCloud, None ]
disable_root: false
users: []
ssh_pwauth: false
locale: false
apt:
  preserve_sources_list: true
growpart: { mode: "off" }
resize_rootfs: false
`;

/**
 * A package that is nothing but its name. A real server has a kernel package, which satisfies what wireguard-tools
 * recommends; without this, installing that would fetch a kernel and build an initramfs.
 */
const KERNEL_CONTROL = `Package: lab-kernel
Version: 1
Architecture: all
Maintainer: pulumi-intranet <lab@intranet.example>
Provides: linux-image, wireguard-modules (= 1.0.0)
Description: stands for the kernel that a lab host does not have
`;

/** Files that the lab puts into an image; part of the recipe. */
function files(kind: ImageKind): Record<string, string> {
  const common = {
    "etc/systemd/system/lab-ready.service": READY_UNIT,
    "etc/apt/sources.list": `deb [trusted=yes] ${PACKAGES_URL} ./\n`,
    "etc/apt/apt.conf.d/90lab": 'Acquire::Languages "none";\nAcquire::Retries "3";\nDPkg::Lock::Timeout "60";\n',
    "etc/dpkg/dpkg.cfg.d/90lab": "force-unsafe-io\n",
    "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n",
    "etc/machine-id": "",
    "etc/hostname": "debian\n",
  };
  return kind === "server" ? { ...common, "etc/cloud/cloud.cfg.d/90-lab.cfg": CLOUD_CFG } : common;
}

/** Everything an image is made from; its hash is the image's name. */
function recipe(kind: ImageKind): unknown {
  return {
    version: 1,
    suite: DEBIAN_SUITE,
    packages: kind === "server" ? SERVER_PACKAGES : DEVICE_PACKAGES,
    masked: MASKED,
    files: files(kind),
    kernel: KERNEL_CONTROL,
  };
}

/** Directory of an image in the cache, whether it is there or not. */
export function imageDir(kind: ImageKind): string {
  const hash = createHash("sha256")
    .update(JSON.stringify(recipe(kind)))
    .digest("hex")
    .slice(0, 16);
  return path.join(cacheDir(), "lab", "images", hash);
}

/** Takes out what one host may not share with another, and puts the lab's files in. */
async function customise(root: string, kind: ImageKind): Promise<void> {
  const kernel = `${root}.kernel`;
  mkdirSync(path.join(kernel, "DEBIAN"), { recursive: true });
  writeFileSync(path.join(kernel, "DEBIAN/control"), KERNEL_CONTROL);
  await run(["dpkg-deb", "--build", kernel, `${kernel}.deb`]);
  await run(["dpkg", `--root=${root}`, "--force-depends", "--install", `${kernel}.deb`]);
  rmSync(kernel, { recursive: true });
  rmSync(`${kernel}.deb`);
  const sourcesDir = path.join(root, "etc/apt/sources.list.d");
  for (const name of readdirSync(sourcesDir)) rmSync(path.join(sourcesDir, name));
  const sshDir = path.join(root, "etc/ssh");
  for (const name of existsSync(sshDir) ? readdirSync(sshDir) : []) {
    if (name.startsWith("ssh_host_")) rmSync(path.join(sshDir, name));
  }
  for (const [name, content] of Object.entries(files(kind))) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    rmSync(file, { force: true });
    writeFileSync(file, content);
  }
  for (const unit of MASKED) {
    const file = path.join(root, "etc/systemd/system", unit);
    rmSync(file, { force: true });
    symlinkSync("/dev/null", file);
  }
  await run(["systemctl", `--root=${root}`, "enable", "systemd-networkd.service", "lab-ready.service"]);
  // An unnamed network would hold the boot back for two minutes; nothing in the lab waits for "online".
  await run(["systemctl", `--root=${root}`, "disable", "systemd-networkd-wait-online.service"]);
  rmSync(path.join(root, "var/lib/dbus/machine-id"), { force: true });
  rmSync(path.join(root, "var/log/journal"), { recursive: true, force: true });
}

/**
 * Makes an image unless the cache has it, and returns its directory: a Debian root file system that is never written
 * again. `progress` hears one line for each long step. Throws `CommandError` with the end of mmdebstrap's output.
 */
export function ensureImage(kind: ImageKind, progress: (line: string) => void): Promise<string> {
  return buildOnce(imageDir(kind), progress, async (partial) => {
    progress(`building the ${kind} image (Debian ${DEBIAN_SUITE}; once, about a minute)`);
    const work = `${partial}.apt`;
    mkdirSync(work, { recursive: true });
    try {
      writeFileSync(path.join(work, "apt.conf"), await machineAcquire());
      writeFileSync(path.join(work, "sources.list"), labSources());
      const packages = kind === "server" ? SERVER_PACKAGES : DEVICE_PACKAGES;
      // Its mounts are its own: whatever ends it, nothing stays mounted below a directory that we delete.
      const argv = [
        "unshare",
        "--mount",
        "--",
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
      ];
      argv.push(`--aptopt=${path.join(work, "apt.conf")}`, `--include=${packages.join(",")}`);
      argv.push(
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
      );
      await run([...argv, DEBIAN_SUITE, partial, path.join(work, "sources.list")], {
        env: { DEBIAN_FRONTEND: "noninteractive" },
      });
      await customise(partial, kind);
      rmSync(path.join(partial, "etc/apt/apt.conf.d/99mmdebstrap"), { force: true });
      chmodSync(partial, 0o755);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
}
