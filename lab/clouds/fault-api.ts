/** How a test orders faults: HTTP on a unix socket of the lab's, which nothing inside the lab can reach. */
import { rmSync } from "node:fs";
import fastify from "fastify";
import { ACTION_FAULTS, CLOUDS, type Fault, type Faults, REQUEST_FAULTS } from "./faults";

const FAULT = {
  type: "object",
  required: ["cloud", "kind"],
  additionalProperties: false,
  properties: {
    cloud: { enum: CLOUDS },
    kind: { enum: [...REQUEST_FAULTS, ...ACTION_FAULTS] },
    method: { type: "string" },
    path: { type: "string" },
    times: { type: "integer", minimum: 1 },
    seconds: { type: "number", exclusiveMinimum: 0 },
  },
};

/**
 * Listens on `socket`: `GET /faults` lists, `POST /faults` adds one, `POST /faults/clear` ends them all. @throws the
 * error of listen(2)
 */
export async function listenForFaults(faults: Faults, socket: string): Promise<void> {
  const app = fastify({ forceCloseConnections: true, ajv: { customOptions: { removeAdditional: false } } });
  app.setErrorHandler((error: Error, _request, reply) => reply.code(400).send({ error: error.message }));
  app.get("/faults", () => ({ faults: faults.list() }));
  app.post<{ Body: Fault }>("/faults", { schema: { body: FAULT } }, ({ body }) => {
    faults.add(body);
    return {};
  });
  app.post("/faults/clear", () => {
    faults.clear();
    return {};
  });
  rmSync(socket, { force: true });
  await app.listen({ path: socket });
}
