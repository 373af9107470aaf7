/**
 * Confirming a change: what the provider does when the way in is shut for a while, for the host itself and for those
 * behind it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectionOf } from "../../../host/connection/arguments";
import { Conversations } from "../../../host/resource/converse";
import { requestOf, resultOf } from "./agent-wire";
import { makeKey, SshServer } from "./ssh-server";

jest.setTimeout(60_000);

const hostKey = makeKey();
const operator = makeKey();
const folder = mkdtempSync(join(tmpdir(), "intranet-converse-"));
const saved = { ...process.env };
const SECONDS = 6;

let conversations: Conversations;
let servers: SshServer[] = [];

beforeEach(() => {
  writeFileSync(join(folder, "operator"), operator.private, { mode: 0o600 });
  delete process.env.SSH_AUTH_SOCK;
  process.env.INTRANET_SSH_KEY = join(folder, "operator");
  conversations = new Conversations();
});
afterEach(async () => {
  await conversations.close();
  for (const server of servers) await server.close();
  servers = [];
  process.env = { ...saved };
});
afterAll(() => rmSync(folder, { recursive: true }));

const serve = async (answer: (action: string) => object, allowed = [operator.public], port = 0) => {
  const onExec = (_: string, input: Buffer) => resultOf(answer(requestOf(input).action));
  const server = new SshServer({ hostKey, allowed, onExec });
  servers.push(server);
  return { server, port: await server.listen(port) };
};
const talk = (port: number, more: object = {}, seconds = 5) => ({
  connection: connectionOf({ address: "127.0.0.1", port, hostKeys: [hostKey.public], ...more }),
  role: "r",
  patience: { seconds },
  say: () => undefined,
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("those behind a jump host wait until its change is confirmed, however little patience they have", async () => {
  const order: string[] = [];
  const answer = (action: string) => {
    order.push(action);
    if (action === "apply") jump.server.shut(); // no new connection gets in
    return action === "apply"
      ? { ok: true, state: "awaiting", seconds: 4 * SECONDS }
      : { ok: true, state: "committed" };
  };
  const jump = await serve(answer);
  const behind = await serve(() => {
    order.push("behind");
    return { ok: true };
  });
  const changing = conversations.transact(talk(jump.port), { action: "apply" }, "tx");
  while (order.length === 0) await pause(10);
  await pause(1000); // until the answer has come, on a busy machine too
  await jump.server.close(); // and the shared connection is dead
  const via = { address: "127.0.0.1", port: jump.port, hostKeys: [hostKey.public] };
  const asking = conversations.ask(talk(behind.port, { via }, 0.1), { action: "read" });
  await pause(1500);
  await serve(answer, [operator.public], jump.port);
  expect(await asking).toMatchObject({ ok: true });
  expect(await changing).toMatchObject({ state: "committed" });
  expect(order).toEqual(["apply", "confirm", "behind"]);
});

test("a host that refuses the operator's key is asked again until it has undone that", async () => {
  const allowed = [operator.public];
  const host = await serve((action) => {
    if (action !== "apply") return { ok: true, state: "rolled-back", reason: "nobody confirmed it", leftovers: [] };
    setTimeout(() => allowed.pop(), 0);
    setTimeout(() => allowed.push(operator.public), (SECONDS + 3) * 1000);
    return { ok: true, state: "awaiting", seconds: SECONDS };
  }, allowed);
  const error = await conversations
    .transact(talk(host.port), { action: "apply" }, "tx")
    .catch((reason: Error) => reason);
  expect((error as Error).message).toMatch(
    /no new connection got in within 6 s: .*did not accept the operator's SSH key[^]*The host undid it by itself and answers as before/,
  );
});
