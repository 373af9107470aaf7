/**
 * Asking systemd over D-Bus: what is no answer is noticed, and then `systemctl` is asked. What is one is compared in
 * the lab (host-drift).
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const agent = join(__dirname, "../../../host/agent");
const root = mkdtempSync(join(tmpdir(), "intranet-bus-"));
let bus: Server | undefined;

beforeAll(() => mkdirSync(join(root, "run/dbus"), { recursive: true }));
afterEach(() => void bus?.close());
afterAll(() => rmSync(root, { recursive: true }));

/** What Python prints as JSON, with the scratch root's socket as the bus. */
async function python(text: string): Promise<unknown> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", INTRANET_ROOT: root };
  const program = `import bus, json, units\n${text}`;
  return JSON.parse((await promisify(execFile)("python3", ["-c", program], { cwd: agent, env })).stdout);
}
const ASK = 'print(json.dumps(bus.properties([("a.service", "Unit", "LoadState")])))';

/** A bus that does this with whoever comes. */
function serve(answer: (client: Socket) => void): Promise<void> {
  bus = createServer((client) => {
    client.on("error", () => undefined);
    answer(client);
  });
  return new Promise((resolve) => bus!.listen(join(root, "run/dbus/system_bus_socket"), resolve));
}

/** Header of a message: its type, fields (already marshalled) and the size of its body. */
function message(type: number, fields: Buffer, body: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.write("l");
  head.writeUInt8(type, 1);
  head.writeUInt8(1, 3);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(1, 8);
  head.writeUInt32LE(fields.length, 12);
  return Buffer.concat([head, fields, Buffer.alloc((8 - (fields.length % 8)) % 8), body]);
}

/** Header field REPLY_SERIAL, and SIGNATURE "v" or ERROR_NAME. */
function reply(serial: number, more?: Buffer): Buffer {
  const first = Buffer.from([5, 1, 117, 0, serial, 0, 0, 0]);
  return more === undefined ? first : Buffer.concat([first, more]);
}
const VARIANT = Buffer.from([8, 1, 103, 0, 1, 118, 0]);
const named = (name: string) => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(name.length);
  return Buffer.concat([Buffer.from([4, 1, 115, 0]), size, Buffer.from(`${name}\0`)]);
};
const text = (value: string) => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(value.length);
  return Buffer.concat([Buffer.from([1, 115, 0, 0]), size, Buffer.from(`${value}\0`)]);
};
const HELLO = message(2, reply(1), Buffer.alloc(0));

test("an answer, one that comes in pieces, in another order, or after a signal", async () => {
  const signal = message(4, Buffer.alloc(0), Buffer.alloc(4));
  const answers = [
    HELLO,
    signal,
    message(2, reply(3, VARIANT), text("second")),
    message(2, reply(2, VARIANT), text("first")),
  ];
  await serve((client) => {
    const bytes = Buffer.concat([Buffer.from("OK 00112233\r\n"), ...answers]);
    for (let at = 0; at < bytes.length; at += 7) client.write(bytes.subarray(at, at + 7));
  });
  const two = '[("a.service", "Unit", "LoadState"), ("a.service", "Unit", "ActiveState")]';
  expect(await python(`print(json.dumps(bus.properties(${two})))`)).toEqual(["first", "second"]);
});

test("a property that a unit does not have is empty; any other error is no answer", async () => {
  const says = (name: string) =>
    serve((client) =>
      client.write(Buffer.concat([Buffer.from("OK 0\r\n"), HELLO, message(3, reply(2, named(name)), Buffer.alloc(0))])),
    );
  await says("org.freedesktop.DBus.Error.UnknownProperty");
  expect(await python(ASK)).toEqual([""]);
  bus!.close();
  await says("org.freedesktop.DBus.Error.LimitsExceeded");
  expect(await python(ASK)).toBeNull();
});

test.each<[string, (client: Socket) => void]>([
  ["hangs up", (client) => client.destroy()],
  ["refuses the login", (client) => client.end("REJECTED EXTERNAL\r\n")],
  ["hangs up after the login", (client) => client.end("OK 0\r\n")],
  ["speaks something else", (client) => client.end(Buffer.concat([Buffer.from("OK 0\r\n"), Buffer.alloc(600, 7)]))],
  [
    "answers what was not asked",
    (client) => client.end(Buffer.concat([Buffer.from("OK 0\r\n"), HELLO, message(2, reply(9), Buffer.alloc(0))])),
  ],
])("one that %s is no bus", async (_, answer) => {
  await serve(answer);
  expect(await python(ASK)).toBeNull();
});

test("where there is none, or it says nothing, systemctl is asked", async () => {
  const asked =
    'commands = units.commands; commands.query = lambda argv: "Id=a.service\\nLoadState=loaded\\nCanReload=yes\\n"\n';
  const states = `${asked}bus.SECONDS = 0.2\nprint(json.dumps(units.states(["a.service"])))`;
  const expected = {
    "a.service": { load: "loaded", enabled: "", active: "", sub: "", result: "", type: "", reloadable: true },
  };
  expect(await python(states)).toEqual(expected);
  await serve(() => undefined);
  expect(await python(states)).toEqual(expected);
});

test("a unit's object has its name, with what is no letter or digit in hexadecimal digits", async () => {
  const names = ["ssh.service", "9x@a-b.service", "é.mount"];
  expect(
    await python(`print(json.dumps([bus.object_path(name).rsplit("/", 1)[1] for name in ${JSON.stringify(names)}]))`),
  ).toEqual(["ssh_2eservice", "_39x_40a_2db_2eservice", "_c3_a9_2emount"]);
});
