import { spawn, spawnSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import type { ResolverArgs } from "../../../components/resolver/args";
import * as render from "../../../components/resolver/render";
import { resolverRole } from "../../../components/resolver/roles";
import { checkShell, testWith } from "./checkers";
import { expectGolden } from "./golden";

const args: ResolverArgs = {
  connection: { address: "unused", hostKeys: [] },
  servers: ["10.31.240.2", "10.31.240.3", "fd00:1:2:ffff::2", "fd00:1:2:ffff::3"],
  domain: "intranet.example",
  doctor: "#!/bin/sh\n",
};
const plain = { ...args, through: "resolv.conf" as const };

test("the files", () => {
  expectGolden("resolver/resolved.conf", render.renderResolved(args.servers, args.domain));
  expectGolden("resolver/resolv.conf", render.renderResolvConf(args.servers, args.domain));
});

test("with systemd-resolved, resolv.conf leads to its stub; without, it is a file and nothing else is touched", () => {
  expect(resolverRole(args)).toMatchObject({
    links: { "/etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf" },
  });
  expect(Object.keys(resolverRole(args).files!)).toEqual([render.DOCTOR, render.RESOLVED_CONF]);
  const role = resolverRole(plain);
  expect(Object.keys(role.files!)).toEqual([render.DOCTOR, render.RESOLV_CONF]);
  expect(role.links ?? role.units ?? role.packages).toBeUndefined();
});

testWith("systemd-analyze", "the shell reads the checks", () => {
  for (const role of [resolverRole(args), resolverRole(plain)])
    expect(checkShell(role.checks![0]!.command[2] as string)).toMatchObject({ code: 0 });
});

describe("the probe", () => {
  const [, , script] = (resolverRole(args).probes![0] as { command: string[] }).command;
  let server: Socket;
  let port: number;
  let answer: (question: Buffer) => Buffer;

  beforeAll(
    () =>
      new Promise<void>((resolve) => {
        server = createSocket("udp4", (question, from) => server.send(answer(question), from.port, from.address));
        server.bind(0, "127.0.0.1", () => {
          ({ port } = server.address());
          resolve();
        });
      }),
  );
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

  /** Runs it with a resolv.conf of its own, and the test's port in place of 53. */
  function probe(resolvConf: string): Promise<{ code: number; said: string }> {
    const text = script!
      .replace("open('/etc/resolv.conf')", `${JSON.stringify(resolvConf)}.splitlines()`)
      .replace("(server, 53)", `(server, ${port})`)
      .replace("settimeout(8)", "settimeout(0.3)");
    return new Promise((resolve) => {
      const child = spawn("python3", ["-c", text, "intranet.example"]);
      let said = "";
      child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
      child.on("close", (code) => resolve({ code: code ?? -1, said: said.trim() }));
    });
  }
  const reply = (flags: number, answers: number) => (question: Buffer) => {
    expect(question.toString("latin1", 12)).toBe("\x08intranet\x07example\0\0\x06\0\x01");
    const out = Buffer.from(question);
    out.writeUInt16BE(0x8180 | flags, 2);
    out.writeUInt16BE(answers, 6);
    return out;
  };
  const installed = spawnSync("python3", ["--version"]).status === 0;
  const testIf = installed ? test : test.skip;

  testIf.each<[string, string, (question: Buffer) => Buffer, number, string]>([
    ["an answer", "nameserver 127.0.0.1\n", reply(0, 1), 0, ""],
    ["the second server's answer", "nameserver ::1\nnameserver 127.0.0.1\n", reply(0, 1), 0, ""],
    ["no such domain", "nameserver 127.0.0.1\n", reply(3, 0), 1, "127.0.0.1: answered with code 3 and 0 records"],
    ["no record", "nameserver 127.0.0.1\n", reply(0, 0), 1, "127.0.0.1: answered with code 0 and 0 records"],
    ["another question's answer", "nameserver 127.0.0.1\n", (q) => reply(0, 1)(q).fill(0, 0, 2), 1, "answered with"],
    ["no server", "search x\n# nameserver 127.0.0.1\n", reply(0, 1), 1, "names no server"],
  ])("%s", async (_case, resolvConf, given, code, said) => {
    answer = given;
    const result = await probe(resolvConf);
    expect(result.said).toContain(said);
    expect(result.code).toBe(code);
  });
});
