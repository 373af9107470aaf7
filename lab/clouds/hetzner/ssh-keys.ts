import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { invalidField, notUnique } from "./errors";
import { checkLabels } from "./labels";
import { listed, type Query } from "./list";
import type { SshKeyRecord } from "./model";
import { find, remove, requireUniqueName, type Project } from "./project";

const KEY_TYPES = [
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

interface SshKeyBody {
  name?: string;
  public_key?: string;
  labels?: unknown;
}

const BODY = {
  type: "object",
  properties: { name: { type: "string", minLength: 1, maxLength: 255 }, public_key: { type: "string" } },
};

/** Routes of `/ssh_keys`. */
export function sshKeyRoutes(app: FastifyInstance, project: Project): void {
  const keys = project.state.sshKeys;
  const present = (id: string): object => ({ ssh_key: presentSshKey(find(keys, "SSH key", id)) });

  app.get("/ssh_keys", ({ query }) =>
    listed(keys, query as Query, {
      key: "ssh_keys",
      present: presentSshKey,
      filters: { name: { of: ({ name }) => name }, fingerprint: { of: ({ fingerprint }) => fingerprint } },
      labels: ({ labels }) => labels,
      sort: { id: ({ id }) => id, name: ({ name }) => name },
    }),
  );
  app.get<{ Params: { id: string } }>("/ssh_keys/:id", (request) => present(request.params.id));
  app.post("/ssh_keys", { schema: { body: { ...BODY, required: ["name", "public_key"] } } }, (request, reply) => {
    const body = request.body as SshKeyBody & { name: string; public_key: string };
    const key = createSshKey(project, body);
    void reply.code(201);
    return { ssh_key: presentSshKey(key) };
  });
  app.put<{ Params: { id: string } }>("/ssh_keys/:id", { schema: { body: BODY } }, (request) => {
    const key = find(keys, "SSH key", request.params.id);
    const { name, labels } = request.body as SshKeyBody;
    if (name !== undefined) requireUniqueName(keys, "SSH key", name, key.id);
    const checked = labels === undefined ? key.labels : checkLabels(labels);
    Object.assign(key, { name: name ?? key.name, labels: checked });
    project.save();
    return present(request.params.id);
  });
  app.delete<{ Params: { id: string } }>("/ssh_keys/:id", async (request, reply) => {
    remove(keys, find(keys, "SSH key", request.params.id));
    project.save();
    return reply.code(204).send();
  });
}

/**
 * The MD5 fingerprint of a public key, `aa:bb:…`, over its binary form (RFC 4716 section 4).
 * @throws ApiError invalid_input when the text is no OpenSSH public key, or the type inside differs from the one in
 * front
 */
export function fingerprintOf(publicKey: string): string {
  return createHash("md5")
    .update(blobOf(publicKey))
    .digest("hex")
    .replace(/..(?=.)/g, "$&:");
}

function blobOf(publicKey: string): Buffer {
  const [type = "", encoded = ""] = publicKey.trim().split(/\s+/);
  const blob = Buffer.from(encoded, "base64");
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  const inner = blob.subarray(4, 4 + length).toString("latin1");
  if (!KEY_TYPES.includes(type) || inner !== type || /[\r\n]/.test(publicKey.trim())) {
    throw invalidField("public_key", "SSH public key invalid: expected one line 'TYPE BASE64 [COMMENT]'");
  }
  return blob;
}

function createSshKey(project: Project, body: { name: string; public_key: string; labels?: unknown }): SshKeyRecord {
  const keys = project.state.sshKeys;
  const fingerprint = fingerprintOf(body.public_key);
  const labels = checkLabels(body.labels);
  if (keys.some((key) => key.fingerprint === fingerprint)) {
    throw notUnique("public_key", "SSH key with the same fingerprint");
  }
  requireUniqueName(keys, "SSH key", body.name);
  const created = new Date().toISOString();
  const key = { id: project.newId(), name: body.name, fingerprint, publicKey: body.public_key, labels, created };
  keys.push(key);
  project.save();
  return key;
}

function presentSshKey(key: SshKeyRecord): object {
  const { id, name, fingerprint, publicKey, labels, created } = key;
  return { id, name, fingerprint, public_key: publicKey, labels, created };
}
