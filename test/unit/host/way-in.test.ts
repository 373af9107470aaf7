import { confirmSeconds } from "../../../host/resource/request";
import type { RoleInputs } from "../../../host/resource/inputs";
import { touchesWayIn } from "../../../host/resource/way-in";

const role = (more: Partial<RoleInputs>): RoleInputs => ({
  connection: { address: "192.0.2.7", port: 22, user: "admin", hostKeys: [] },
  role: "r",
  owner: "p/s/r",
  ...more,
});
const file = { content: "" };

test.each<[string, Partial<RoleInputs>]>([
  ["path /etc/ssh/sshd_config.d/x.conf", { files: { "/etc/motd": file, "/etc/ssh/sshd_config.d/x.conf": file } }],
  ["path /root/.ssh/authorized_keys", { files: { "/root/.ssh/authorized_keys": file } }],
  ["path /etc/nftables.conf", { links: { "/etc/nftables.conf": "/x" } }],
  ["path /etc/anything/rules.nft", { files: { "/etc/anything/rules.nft": file } }],
  ["path /etc/netplan", { directories: { "/etc/netplan": {} } }],
  ["path /etc/netplan/50-cloud-init.yaml", { absent: ["/etc/netplan/50-cloud-init.yaml"] }],
  [
    "path /etc/systemd/network/10-lan.network.d/x.conf",
    { files: { "/etc/systemd/network/10-lan.network.d/x.conf": file } },
  ],
  ["path /etc/wireguard/wg0.conf", { files: { "/etc/wireguard/wg0.conf": file } }],
  ["path /etc/bird/bird.conf", { files: { "/etc/bird/bird.conf": file } }],
  ["path /etc/pam.d/sshd", { files: { "/etc/pam.d/sshd": file } }],
  ["path /etc/sudoers.d/admin", { files: { "/etc/sudoers.d/admin": file } }],
  ["unit ssh.socket", { units: { "ssh.socket": {} } }],
  ["unit wg-quick@wg0.service", { units: { "wg-quick@wg0.service": {} } }],
  ["unit systemd-networkd.service", { units: { "systemd-networkd.service": {} } }],
  ["unit intranet-ssh.socket", { units: { "intranet-ssh.socket": {} } }],
  ["sysctl net.ipv4.conf.all.rp_filter", { sysctls: { "net.ipv4.conf.all.rp_filter": "1" } }],
  ["sysctl net/ipv6/conf/eth0.1/disable_ipv6", { sysctls: { "net/ipv6/conf/eth0.1/disable_ipv6": "1" } }],
  ["user root", { users: { root: { shell: "/bin/sh" } } }],
  ["user admin", { users: { admin: {} } }],
])("%s could cut the way in: such a role is confirmed unless it says otherwise", (what, more) => {
  expect(touchesWayIn(role(more))).toBe(what);
  expect(confirmSeconds(role(more))).toBe(60);
  expect(confirmSeconds(role({ ...more, confirm: { timeoutSeconds: 20 } }))).toBe(20);
  expect(confirmSeconds(role({ ...more, confirm: false }))).toBe(0);
});

test.each<[string, Partial<RoleInputs>]>([
  ["nothing", {}],
  ["an application's files", { files: { "/etc/app/ssh": file, "/srv/www/etc/ssh/x": file, "/etc/sshfs.conf": file } }],
  ["other units", { units: { "caddy.service": {}, "sshguard-like.timer": {}, "birdhouse.service": {} } }],
  [
    "other kernel settings",
    { sysctls: { "vm.swappiness": "1", "net.core.rmem_max": "1", "net.ipv6.ip_nonlocal_bind": "1" } },
  ],
  ["other users", { users: { app: {} } }],
])("%s: not confirmed unless it says so", (_what, more) => {
  expect(touchesWayIn(role(more))).toBeUndefined();
  expect(confirmSeconds(role(more))).toBe(0);
  expect(confirmSeconds(role({ ...more, confirm: true }))).toBe(60);
});
