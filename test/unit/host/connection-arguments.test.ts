import { agentCommand } from "../../../host/agent";
import { connectionOf, connectionProblems, displayName } from "../../../host/connection/arguments";
import { makeKey } from "./ssh-server";

const hostKey = makeKey();

test("the agent's command line means the same to every login shell", () => {
  for (const user of ["root", "admin"]) {
    const quoted = /'(.*)'/s.exec(agentCommand(user))![1]!;
    expect(quoted).not.toMatch(/['"!\\\n`$]/);
  }
});

test("an unknown field is refused before anything is touched, without its value", () => {
  const wrong = {
    address: "h",
    hostKeys: [],
    password: "hunter2",
    via: { address: "j", hostKeys: [], passphrase: "hunter3" },
  };
  const attempt = () => connectionOf(wrong);
  expect(attempt).toThrow(
    /connection\.password is not a field of a connection.*connection\.via\.passphrase is not a field/,
  );
  expect(attempt).not.toThrow(/hunter/);
});

test("each argument of a connection is checked against its rule", () => {
  const good = { address: "h.example", hostKeys: [hostKey.public] };
  const reasons = (more: object) => {
    try {
      connectionOf({ ...good, ...more });
      return "accepted";
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(reasons({})).toBe("accepted");
  expect(reasons({ address: "-oProxyCommand=x" })).toMatch(/connection\.address must be a host name/);
  expect(reasons({ address: "h; rm" })).toMatch(/connection\.address/);
  expect(reasons({ port: 0 })).toMatch(/connection\.port must be a whole number from 1 to 65535/);
  expect(reasons({ port: 65536 })).toMatch(/connection\.port/);
  expect(reasons({ user: "root\n" })).toMatch(/connection\.user/);
  expect(reasons({ hostKeys: ["ssh-ed25519 nonsense"] })).toMatch(
    /connection\.hostKeys\[0\] must be a public key in OpenSSH form/,
  );
  expect(reasons({ hostKeys: [hostKey.private] })).toMatch(/connection\.hostKeys\[0\] is a private key/);
  expect(reasons({ hostKeys: "x" })).toMatch(/connection\.hostKeys must be a list/);
});

test("keys that may log in are public ones, of any type, and never repeated", () => {
  const given = (operatorKeys: unknown) =>
    connectionProblems({ address: "a", hostKeys: [], operatorKeys }).map(({ path, reason }) => `${path} ${reason}`);
  expect(given(["ssh-ed25519 AAAA me@laptop", "sk-ssh-ed25519@openssh.com AAAA\n", "ssh-rsa AAAA=="])).toEqual([]);
  expect(given("ssh-ed25519 AAAA")).toEqual([expect.stringMatching(/^connection.operatorKeys must be a list/)]);
  const wrong = ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "ssh-ed25519", "ssh-ed25519 AAAA\nssh-rsa BBBB", 7];
  expect(given(wrong)).toEqual(
    wrong.map((_key, index) =>
      expect.stringMatching(`connection.operatorKeys\\[${index}\\] must be a public key in OpenSSH form`),
    ),
  );
  expect(given(wrong).join()).not.toMatch(/b3Bl|BBBB/);
});

test("a host is named as people write it", () => {
  const named = (more: object) => connectionOf({ address: "127.0.0.1", hostKeys: [hostKey.public], ...more });
  expect(displayName(named({ port: 2222, address: "2001:db8::1" }))).toBe("[2001:db8::1]:2222");
  expect(displayName(named({ via: { address: "jump", hostKeys: [] } }))).toBe("127.0.0.1 via jump");
});
