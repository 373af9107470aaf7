import { agentCommand } from "../../../host/agent";
import { connectionOf, displayName } from "../../../host/connection/arguments";
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

test("a host is named as people write it", () => {
  const named = (more: object) => connectionOf({ address: "127.0.0.1", hostKeys: [hostKey.public], ...more });
  expect(displayName(named({ port: 2222, address: "2001:db8::1" }))).toBe("[2001:db8::1]:2222");
  expect(displayName(named({ via: { address: "jump", hostKeys: [] } }))).toBe("127.0.0.1 via jump");
});
