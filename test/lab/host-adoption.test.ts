/**
 * A server with a life of its own: what a preview says of it, what an `up` keeps, what a deletion gives back; and who
 * may claim what.
 */
import type { Trial } from "./host-program/trial";
import { exec, execOk } from "./support";
import { traces } from "./traces";
import { TrialStack, UP } from "./trial";

jest.setTimeout(300_000);

const HOST = "home";
const at = (name: string) => `/etc/adopt/${name}`;
const KEY = "net.ipv4.conf.lo.send_redirects";
const PLACE = "/usr/local/lib/systemd/system";
const unit = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";

const trial = new TrialStack();
const other = new TrialStack("other");
const script = async (text: string) => (await exec(HOST, ["sh", "-c", text])).stdout.trim();

/** The owner's own, before anything of ours. */
const OWNERS = `
set -e
mkdir -p /etc/adopt ${PLACE}
printf 'kept\\nold line\\nend\\n' >${at("open")}; chown daemon:bin ${at("open")}; chmod 0664 ${at("open")}
printf 'password=owners-own-secret\\n' >${at("closed")}; chmod 0600 ${at("closed")}
printf 'PrivateKey = owners-old-key\\n' >${at("key")}
ln -s open ${at("link")}; echo plain >${at("becomes-link")}; ln -s ../nowhere ${at("becomes-file")}
echo unwanted >${at("unwanted")}; chmod 0604 ${at("unwanted")}
mkdir ${at("folder")}; chmod 0711 ${at("folder")}; chown daemon ${at("folder")}
echo file >${at("becomes-folder")}; mkdir ${at("empty")}
mkdir -p /etc/systemd/system/adopt-idle.service.d; printf '[Service]\\nNice=3\\n' >/etc/systemd/system/adopt-idle.service.d/own.conf
for name in masked idle busy; do printf '${unit.replaceAll("\n", "\\n")}' >${PLACE}/adopt-$name.service; done
systemctl daemon-reload; systemctl mask -q adopt-masked; systemctl enable -q --now adopt-busy
printf '${KEY} = 1\\n' >/etc/sysctl.d/99-adopt.conf; echo 1 >/proc/sys/net/ipv4/conf/lo/send_redirects
useradd --system --home-dir /srv --shell /bin/bash adopt-user
`;
const CLEAN = `
systemctl unmask -q adopt-masked; systemctl disable -q --now adopt-busy
rm -rf /etc/adopt ${PLACE}/adopt-* /etc/systemd/system/adopt-* /etc/sysctl.d/99-adopt.conf; systemctl daemon-reload
userdel adopt-user
`;

const ROLE: Trial["roles"] = {
  taker: {
    files: {
      [at("open")]: { content: "kept\nnew line\nend\n" },
      [at("closed")]: { content: "new\n" },
      [at("key")]: { content: "PrivateKey = {{key}}\n", secret: true },
      [at("becomes-file")]: { content: "a file\n" },
      [at("empty")]: { content: "a file too\n" },
      [at("fresh")]: { content: "nothing stood here\n" },
    },
    links: { [at("link")]: "fresh", [at("becomes-link")]: "fresh" },
    directories: { [at("folder")]: {}, [at("becomes-folder")]: {} },
    absent: [at("unwanted")],
    packages: ["curl"],
    sysctls: { [KEY]: "0" },
    users: { "adopt-user": { shell: "/usr/sbin/nologin", groups: ["adopt-group"] } },
    units: {
      "adopt-masked.service": {},
      "adopt-idle.service": {},
      "adopt-busy.service": { enabled: false, state: "stopped" },
    },
    ports: [{ protocol: "tcp", port: 4711 }],
  },
};

/** All that the role takes or makes, as it stands. */
const state = () =>
  script(
    `cd /etc/adopt; stat -c '%n %F %a %U:%G %N' *; tail -n +1 open closed key unwanted becomes-link becomes-folder 2>&1;` +
      `for name in masked idle busy; do systemctl is-enabled adopt-$name; systemctl is-active adopt-$name; done; systemctl show -p Nice adopt-idle;` +
      `cat /proc/sys/net/ipv4/conf/lo/send_redirects /etc/sysctl.d/99-adopt.conf; ls /etc/sysctl.d; getent passwd adopt-user; id adopt-user; getent group adopt-group;` +
      `dpkg-query -W -f '\${db:Status-Abbrev}' curl`,
  );

let before: [string, string];
beforeAll(async () => {
  await trial.init();
  await other.init();
  await execOk(HOST, ["sh", "-c", OWNERS]);
  before = [await state(), await traces(HOST)];
});
afterAll(async () => {
  await other.remove();
  await trial.remove();
  await script(CLEAN);
});

test("the preview says what would be replaced, by line where anybody may read it, and touches nothing", async () => {
  const said = await trial.ok(["preview"], ROLE);
  const says = (pattern: RegExp) => expect(said).toMatch(pattern);
  says(
    /adopt\/open stands there already; role trial-taker replaces it and keeps a copy, owner daemon becomes root, mode 0664 becomes 0644\n/,
  );
  says(/^\s+-old line\n\s+\+new line$/m);
  says(/adopt\/closed stands there already[^\n]*\n\s+\(its lines are not shown: it is closed to others on this host\)/);
  says(/adopt\/key stands there already[^\n]*mode 0644 becomes 0600\n\s+\(its new content is not known yet\)/);
  says(/adopt\/link stands there already \(a link to open\); role trial-taker makes it a link to fresh/);
  says(/adopt\/becomes-link stands there already; role trial-taker makes it a link to fresh/);
  says(/adopt\/becomes-file stands there already \(a link to \.\.\/nowhere\); role trial-taker replaces it/);
  says(/adopt\/unwanted stands there already; role trial-taker removes it and keeps a copy/);
  says(/adopt\/becomes-folder stands there already; role trial-taker makes it a directory and keeps a copy/);
  says(/unit adopt-masked\.service is masked and inactive; role trial-taker makes it enabled and started/);
  says(/unit adopt-busy\.service is enabled and active; role trial-taker makes it disabled and stopped/);
  says(/user adopt-user is there with shell \/bin\/bash; role trial-taker makes that \/usr\/sbin\/nologin/);
  says(
    /sysctl net\.ipv4\.conf\.lo\.send_redirects is set to 1 by \/etc\/sysctl\.d\/99-adopt\.conf; role trial-taker sets it to 0, also at boot/,
  );
  expect(said).not.toMatch(/owners-own-secret|owners-old-key|adopt\/fresh stands/);
  expect([await state(), await traces(HOST)]).toEqual(before);
});

test("up keeps copies and says where; deleting puts everything back as it was", async () => {
  const said = await trial.ok(UP, ROLE);
  for (const name of ["open", "closed", "key", "unwanted", "becomes-folder"])
    expect(said).toContain(`a copy is kept as /var/lib/intranet/backup/trial-taker/etc/adopt/${name}`);
  expect(await script("cat /var/lib/intranet/backup/trial-taker/etc/adopt/open; stat -c %a /var/lib/intranet")).toBe(
    "kept\nold line\nend\n700",
  );
  expect(await script("systemctl is-active adopt-masked adopt-idle adopt-busy")).toBe("active\nactive\ninactive");
  await trial.ok(["preview", "--refresh", "--expect-no-changes"], ROLE);
  await trial.ok(["destroy", "--yes", "--skip-preview"], {});
  expect(await state()).toBe(before[0]);
  expect(await traces(HOST)).toBe(before[1]);
});

test("a port that a program of another hand has is refused before anything is changed, with the program's name", async () => {
  const role = (ports: object[], more: object = {}): Trial["roles"] => ({
    server: { files: { [at("fresh")]: { content: "x" } }, ports: ports as never, ...more },
  });
  const taken = role([{ protocol: "tcp", port: 8080 }]);
  const words =
    /port tcp\/8080 is taken on this host by python3 \(pid \d+, unit nextcloud\.service\), and role trial-server wants it/;
  expect(await trial.ok(["preview"], taken)).toMatch(words);
  expect(await trial.failing(taken)).toMatch(words);
  expect(await traces(HOST)).toBe(before[1]);
  // nextcloud has the loopback's alone; and peer's goes with its unit.
  const free = [
    { protocol: "tcp", port: 8080, address: "10.20.0.10" },
    { protocol: "tcp", port: 7777 },
  ];
  await trial.ok(UP, role(free, { units: { "peer.service": { enabled: false, state: "stopped" } } }));
  await trial.ok(UP, {});
  expect(await traces(HOST)).toBe(before[1]);
});

test("two roles that claim the same are refused, both named: in the preview within a program, by the ledger across stacks", async () => {
  const claims = {
    files: { [at("fresh")]: { content: "x" } },
    units: { "adopt-idle.service": {} },
    sysctls: { [KEY]: "0" },
    ports: [{ protocol: "tcp" as const, port: 4711, address: "10.20.0.10" }],
  };
  const rivals: Trial["roles"] = {
    file: { files: claims.files },
    unit: { units: claims.units },
    sysctl: { sysctls: { [KEY]: "1" } },
    port: { ports: [{ protocol: "tcp", port: 4711 }] },
  };
  const words = [
    "path /etc/adopt/fresh is claimed by role trial-file and",
    "unit adopt-idle.service is claimed by role trial-unit and",
    `sysctl ${KEY} `,
    "port tcp/4711 ",
  ];
  for (const [index, [name, rival]] of Object.entries(rivals).entries()) {
    const result = await trial.stack(["preview"], { first: claims, [name]: rival });
    const said = result.stdout + result.stderr;
    expect([name, result.code === 0, said]).toEqual([name, false, expect.stringContaining(words[index]!)]);
    expect(said).toMatch(new RegExp(`role trial-${name}[^\\n]*role trial-first`));
  }
  await trial.ok(UP, { first: claims });
  const good = await traces(HOST);
  const refused = await other.stack([...UP, "--continue-on-error"], rivals);
  expect(refused.code).not.toBe(0);
  const said = refused.stdout + refused.stderr;
  for (const [index, name] of Object.keys(rivals).entries()) {
    expect(said).toContain(words[index]!);
    expect(said).toMatch(
      new RegExp(`claimed by role trial-${name} and already owned by role trial-first \\(host-trial/trial/first\\)`),
    );
  }
  const ledgerless = (text: string) => text.replace(/^.* \/var\/lib\/intranet\/.*\n/gm, "");
  expect(ledgerless(await traces(HOST))).toBe(ledgerless(good));
  const beside: Trial["roles"] = {
    port: { ports: [{ protocol: "tcp", port: 4711, address: "10.20.0.11" }] },
    sysctl: { sysctls: { [KEY]: "0" } },
  };
  await other.ok(UP, beside);
});
