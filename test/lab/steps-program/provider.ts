/**
 * The provider of HostRole as a process of its own, that a test can kill: one request a line on stdin, as JSON, one
 * answer a line on stdout. `apply` creates when there is no `id`.
 */
import { createInterface } from "node:readline";
import { RoleProvider } from "../../../host/resource/role-provider";
import type { RoleInputs, RoleOutputs } from "../../../host/resource/inputs";
import type { Asked, Answered } from "./words";

const provider = new RoleProvider();

async function handle({ op, id, role }: Asked): Promise<Answered> {
  const inputs = role as RoleInputs;
  const outputs = { ...inputs, hostId: "", observed: {} } as RoleOutputs;
  switch (op) {
    case "apply":
      return id === undefined
        ? { id: (await provider.create(inputs)).id }
        : provider.update(id, outputs, inputs).then(() => ({ id }));
    case "delete":
      return provider.delete(id!, outputs).then(() => ({}));
    case "read":
      return { id: (await provider.read(id!, outputs)).id };
    case "die":
      process.kill(process.pid, "SIGKILL");
      return {};
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  handle(JSON.parse(line) as Asked).then(
    (answer) => console.log(JSON.stringify(answer)),
    (error: Error) => console.log(JSON.stringify({ error: error.message })),
  );
});
