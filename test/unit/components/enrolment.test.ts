import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkEnrolment } from "../../../components/enrolment/check";
import { renderAuthorizedKeys } from "../../../components/common/ssh";
import * as render from "../../../components/enrolment/render";
import { sshRole } from "../../../components/enrolment/roles";
import { makeSshHostPair } from "../../../host/keys/pairs";
import { checkRole } from "../../../host/resource/check";
import { checkUnit, testWith, withFiles } from "./checkers";
import { expectGolden } from "./golden";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGqwwyuGxZDhvm/8WKurybpUFFTctPs4nP6+H/QdB0cY";
const args = {
  host: "cabin",
  hub: { connection: { address: "192.0.2.1", hostKeys: [] } },
  address: "10.31.255.2",
  sshPublicKeys: [`${KEY} operator@desk`],
  roles: [{ role: "tunnel" }],
};

describe("the SSH service of an enrolled host", () => {
  test("its files", () => {
    expectGolden("enrolment/sshd_config", render.renderSshdConfig());
    expectGolden("enrolment/authorized_keys", renderAuthorizedKeys(args.sshPublicKeys));
    expectGolden("enrolment/intranet-ssh.socket", render.renderSocket(args.address, 2222));
    expectGolden("enrolment/intranet-ssh@.service", render.renderService());
    expect(render.renderSocket("fd12::2", 2222)).toContain("ListenStream=[fd12::2]:2222\n");
  });

  test("its role keeps to the host layer's grammar, and the private key is a secret of a file that only root reads", () => {
    const role = sshRole({ address: args.address, port: 2222, sshPublicKeys: [KEY], hostPrivateKey: "PRIVATE" });
    expect(checkRole({ ...role, connection: args.hub.connection, owner: "p/s/r" })).toEqual([]);
    expect(role.files![render.HOST_KEY]).toEqual({ content: "{{host_key}}", secrets: { host_key: "PRIVATE" } });
  });

  testWith("sshd", "sshd reads its configuration: root by a key alone, no forwarding", () => {
    withFiles({ host_key: makeSshHostPair().privateKey }, (folder) => {
      const config = render.renderSshdConfig().replace(render.HOST_KEY, join(folder, "host_key"));
      writeFileSync(join(folder, "sshd_config"), config);
      spawnSync("chmod", ["0600", join(folder, "host_key")]);
      const shown = spawnSync(
        "sh",
        [
          "-c",
          'mkdir -p /run/sshd && exec "$(command -v sshd || echo /usr/sbin/sshd)" -T -f "$1"',
          "sh",
          join(folder, "sshd_config"),
        ],
        {
          encoding: "utf8",
        },
      );
      expect([shown.status, shown.stderr]).toEqual([0, ""]);
      for (const line of [
        "allowusers root",
        "permitrootlogin without-password",
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "authenticationmethods publickey",
        "disableforwarding yes",
        `authorizedkeysfile ${render.AUTHORIZED_KEYS}`,
      ])
        expect(shown.stdout.split("\n")).toContain(line);
    });
  });

  testWith("systemd-analyze", "systemd reads its units", () => {
    const files = {
      [render.SSH_SOCKET]: render.renderSocket(args.address, 2222),
      [render.SSH_SERVICE]: render.renderService(),
    };
    expect(checkUnit(render.SSH_SOCKET, files)).toEqual({ code: 0, output: "" });
  });
});

test("right arguments pass", () => {
  expect(() => checkEnrolment('enrolment "x"', args)).not.toThrow();
});

test("wrong arguments are named by path, all at once", () => {
  const wrong = {
    ...args,
    host: "Cabin!",
    address: "10.31.255.2/32",
    port: 22,
    sshPublicKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----"],
    roles: [],
    keyVersion: 0,
  };
  let message = "";
  try {
    checkEnrolment('enrolment "x"', wrong);
  } catch (error) {
    message = (error as Error).message;
  }
  for (const path of ["host", "address", "port", "sshPublicKeys[0]", "roles", "keyVersion"])
    expect(message).toContain(`${path}`);
  expect(message.split("\n").length).toBeGreaterThan(5);
  expect(() => checkEnrolment("x", { ...args, sshPublicKeys: [] })).toThrow(/at least one key must be able to log in/);
});
