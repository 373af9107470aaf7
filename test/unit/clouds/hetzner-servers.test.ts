import { HCLOUD_TOKEN } from "../../../lab/constants";
import { call, startTestClouds, type Answer, type TestClouds } from "./fakes";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJSQXuYoVzR5Hxz6Cx3uLAeXh0FqkcTGXKqFkfpHcd0 operator";
const RULES = [{ direction: "in", protocol: "tcp", port: "22", source_ips: ["198.51.100.130/32"] }];

let lab: TestClouds;
const api = (method: string, path: string, body?: unknown, token = HCLOUD_TOKEN): Promise<Answer> =>
  call(method, `${lab.clouds.hetznerUrls[0] as string}${path}`, token, body);

/** Polls an action as clients do, until it is no longer running. */
async function settled(id: number): Promise<{ status: string; error: { code: string; message: string } | null }> {
  for (;;) {
    const { action } = (await api("GET", `/actions/${id}`)).body;
    if (action.status !== "running") return action;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function createServer(extra: object = {}): Promise<{ id: number; answer: Answer }> {
  const answer = await api("POST", "/servers", {
    name: "vps",
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    ...extra,
  });
  expect(answer.status).toBe(201);
  for (const action of [answer.body.action, ...answer.body.next_actions]) {
    expect(await settled(action.id)).toMatchObject({ status: "success" });
  }
  return { id: answer.body.server.id, answer };
}

beforeEach(async () => {
  lab = await startTestClouds();
});
afterEach(() => lab.clouds.close());

describe("creating a server", () => {
  test("makes the machine, sets the firewall, and only then starts it", async () => {
    const key = await api("POST", "/ssh_keys", { name: "operator", public_key: KEY });
    const firewall = await api("POST", "/firewalls", { name: "edge", rules: RULES });
    const { id, answer } = await createServer({
      ssh_keys: [key.body.ssh_key.id],
      firewalls: [{ firewall: firewall.body.firewall.id }],
      user_data: "#cloud-config\n",
      labels: { role: "sinkhole" },
    });
    expect(lab.machines.calls).toEqual([`create ${id}`, `firewall ${id}`, `start ${id}`]);
    expect(lab.machines.specs.get(id)).toEqual({
      id,
      name: "vps",
      image: "debian-13",
      userData: "#cloud-config\n",
      authorizedKeys: [KEY],
      ipv4: "198.51.100.10",
      ipv6: "2001:db8:100:1::/64",
      serverType: "cx23",
    });
    expect(lab.machines.rules.get(id)).toEqual([
      { direction: "in", protocol: "tcp", port: "22", sourceIps: ["198.51.100.130/32"], destinationIps: [] },
    ]);
    expect(answer.body.server).toMatchObject({ status: "initializing", locked: true });
    const { server } = (await api("GET", `/servers/${id}`)).body;
    expect(server).toMatchObject({
      status: "running",
      locked: false,
      labels: { role: "sinkhole" },
      public_net: {
        ipv4: { ip: "198.51.100.10", dns_ptr: "static.10.100.51.198.clients.hetzner.example" },
        ipv6: { ip: "2001:db8:100:1::/64", dns_ptr: [] },
        firewalls: [{ id: firewall.body.firewall.id, status: "applied" }],
      },
      server_type: { name: "cx23" },
      location: { name: "fsn1" },
      image: { name: "debian-13" },
    });
  });

  test("without a firewall everything is open; with start_after_create false it stays off", async () => {
    const { id } = await createServer({ start_after_create: false });
    expect(lab.machines.calls).toEqual([`create ${id}`, `firewall ${id}`]);
    expect(lab.machines.rules.get(id)).toBeUndefined();
    expect((await api("GET", `/servers/${id}`)).body.server.status).toBe("off");
  });

  test("a failure of the machine is the action's error, and the server can be deleted", async () => {
    lab.machines.failures.set("create", "no disk left");
    const { body } = await api("POST", "/servers", { name: "vps", server_type: "cx23", image: "debian-13" });
    const action = await settled(body.action.id);
    expect(action).toMatchObject({ status: "error", error: { code: "action_failed", message: "no disk left" } });
    expect(await settled(body.next_actions[0].id)).toMatchObject({ status: "error" });
    const deletion = await api("DELETE", `/servers/${body.server.id}`);
    expect(await settled(deletion.body.action.id)).toMatchObject({ status: "success" });
    expect((await api("GET", `/servers/${body.server.id}`)).status).toBe(404);
  });

  test.each([
    ["a bad name", { name: "not a host" }, "invalid_input", 422],
    ["an unknown type", { server_type: "cx999" }, "not_found", 404],
    ["an unknown image", { image: "windows-95" }, "not_found", 404],
    ["an unknown location", { location: "moon" }, "invalid_input", 422],
    ["a removed field", { datacenter: "fsn1-dc14" }, "invalid_input", 422],
    ["user data beyond 32 KiB", { user_data: "x".repeat(32 * 1024 + 1) }, "invalid_input", 422],
    ["an unknown SSH key", { ssh_keys: [1] }, "not_found", 404],
    ["an unknown firewall", { firewalls: [{ firewall: 1 }] }, "not_found", 404],
    ["no address at all", { public_net: { enable_ipv4: false, enable_ipv6: false } }, "invalid_input", 422],
    ["a bad label", { labels: { "-": "x" } }, "invalid_input", 422],
    ["a private network", { networks: [1] }, "unsupported_error", 422],
    ["a number for a text", { name: 5 }, "invalid_input", 422],
  ])("refuses %s", async (_what, extra, code, status) => {
    const answer = await api("POST", "/servers", { name: "vps", server_type: "cx23", image: "debian-13", ...extra });
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    expect((await api("GET", "/servers")).body.servers).toEqual([]);
    expect((await api("GET", "/primary_ips")).body.primary_ips).toEqual([]);
  });

  test("refuses a name that is taken, and says which field", async () => {
    await createServer();
    const { status, body } = await api("POST", "/servers", { name: "vps", server_type: "cx23", image: "debian-13" });
    expect(status).toBe(409);
    expect(body.error).toMatchObject({ code: "uniqueness_error", details: { fields: [{ name: "name" }] } });
  });
});

describe("a server's life", () => {
  test("power actions drive the machine; poweron of a running server does nothing", async () => {
    const { id } = await createServer();
    lab.machines.calls.length = 0;
    for (const name of ["poweron", "reboot", "reset", "shutdown", "poweron", "poweroff"]) {
      const { body } = await api("POST", `/servers/${id}/actions/${name}`);
      expect(await settled(body.action.id)).toMatchObject({ status: "success" });
    }
    expect(lab.machines.calls).toEqual([`reset ${id}`, `reset ${id}`, `stop ${id}`, `start ${id}`, `stop ${id}`]);
    const { body } = await api("GET", `/servers/${id}/actions?per_page=50`);
    expect(body.actions.map((action: { command: string }) => action.command)).toContain("shutdown_server");
    const first = body.actions[0].id;
    expect((await api("GET", `/servers/${id}/actions/${first}`)).body.action.id).toBe(first);
  });

  test("a machine that was switched off from within shows as off", async () => {
    const { id } = await createServer();
    lab.machines.power.set(id, "off");
    expect((await api("GET", `/servers/${id}`)).body.server.status).toBe("off");
  });

  test("while an action runs the server is locked", async () => {
    const { id } = await createServer();
    lab.machines.held.add("stop");
    const { body } = await api("POST", `/servers/${id}/actions/poweroff`);
    const answers = await Promise.all([api("POST", `/servers/${id}/actions/poweron`), api("DELETE", `/servers/${id}`)]);
    expect(answers.map((answer) => [answer.status, answer.body.error.code])).toEqual([
      [423, "locked"],
      [423, "locked"],
    ]);
    lab.machines.release();
    expect(await settled(body.action.id)).toMatchObject({ status: "success" });
  });

  test("protection is enforced until it is lifted", async () => {
    const { id } = await createServer();
    const both = { delete: true, rebuild: true };
    expect((await api("POST", `/servers/${id}/actions/change_protection`, { delete: true })).body.error.code).toBe(
      "invalid_input",
    );
    expect((await api("POST", `/servers/${id}/actions/change_protection`, both)).status).toBe(201);
    expect((await api("GET", `/servers/${id}`)).body.server.protection).toEqual(both);
    for (const [method, path] of [
      ["DELETE", `/servers/${id}`],
      ["POST", `/servers/${id}/actions/rebuild`],
    ] as const) {
      const { status, body } = await api(method, path, method === "POST" ? { image: "debian-13" } : undefined);
      expect([status, body.error.code]).toEqual([403, "protected"]);
    }
    await api("POST", `/servers/${id}/actions/change_protection`, { delete: false, rebuild: false });
    const { body } = await api("DELETE", `/servers/${id}`);
    expect(await settled(body.action.id)).toMatchObject({ status: "success" });
    expect(lab.machines.specs.size).toBe(0);
  });

  test("the type changes only while it is off, and the disk never shrinks", async () => {
    const { id } = await createServer();
    const change = (server_type: string, upgrade_disk: boolean): Promise<Answer> =>
      api("POST", `/servers/${id}/actions/change_type`, { server_type, upgrade_disk });
    expect((await change("cx33", true)).body.error.code).toBe("server_not_stopped");
    await settled((await api("POST", `/servers/${id}/actions/poweroff`)).body.action.id);
    expect(await settled((await change("cx33", true)).body.action.id)).toMatchObject({ status: "success" });
    expect((await change("cx23", false)).body.error.code).toBe("invalid_server_type");
    expect((await api("GET", `/servers/${id}`)).body.server).toMatchObject({
      server_type: { name: "cx33" },
      primary_disk_size: 80,
    });
  });

  test("a rebuild keeps addresses and rules, with new user data on a new machine", async () => {
    const { id } = await createServer();
    lab.machines.calls.length = 0;
    await settled((await api("POST", `/servers/${id}/actions/rebuild`, { image: "debian-13" })).body.action.id);
    expect(lab.machines.calls).toEqual([`stop ${id}`, `rebuild ${id}`, `firewall ${id}`, `start ${id}`]);
    const again = { image: "debian-13", user_data: "#!/bin/sh\n" };
    await settled((await api("POST", `/servers/${id}/actions/rebuild`, again)).body.action.id);
    expect(lab.machines.specs.get(id)).toMatchObject({ userData: "#!/bin/sh\n", ipv4: "198.51.100.10" });
  });

  test("name and labels change in place", async () => {
    const { id } = await createServer();
    const { body } = await api("PUT", `/servers/${id}`, { name: "edge", labels: { a: "b" } });
    expect(body.server).toMatchObject({ name: "edge", labels: { a: "b" } });
    expect((await api("PUT", `/servers/${id}`, { name: "under_score" })).body.error.code).toBe("invalid_input");
  });

  test("deletion removes its automatic addresses and keeps the others", async () => {
    const own = await api("POST", "/primary_ips", { name: "own", type: "ipv4", location: "fsn1", auto_delete: false });
    const { id } = await createServer({ public_net: { ipv4: own.body.primary_ip.id } });
    expect((await api("GET", "/primary_ips")).body.primary_ips).toHaveLength(2);
    await settled((await api("DELETE", `/servers/${id}`)).body.action.id);
    const left = (await api("GET", "/primary_ips")).body.primary_ips;
    expect(left).toMatchObject([{ name: "own", assignee_id: null, assignee_type: "unassigned" }]);
  });
});

describe("a restart of the service", () => {
  test("keeps everything, and finishes what was running", async () => {
    lab.machines.held.add("start");
    const { body } = await api("POST", "/servers", { name: "vps", server_type: "cx23", image: "debian-13" });
    await settled(body.action.id);
    const before = (await api("GET", "/primary_ips")).body;
    void lab.clouds.close();
    lab.machines.held.clear();
    lab = await startTestClouds(lab);
    expect(await settled(body.next_actions[0].id)).toMatchObject({ status: "success" });
    expect((await api("GET", `/servers/${body.server.id}`)).body.server.status).toBe("running");
    expect((await api("GET", "/primary_ips")).body).toEqual(before);
  });

  test("makes a half-made machine anew", async () => {
    lab.machines.held.add("firewall");
    const { body } = await api("POST", "/servers", { name: "vps", server_type: "cx23", image: "debian-13" });
    while (lab.machines.calls.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    void lab.clouds.close();
    lab.machines.held.clear();
    lab = await startTestClouds(lab);
    expect(await settled(body.action.id)).toMatchObject({ status: "success" });
    const id = body.server.id;
    const made = [`create ${id}`, `firewall ${id}`];
    expect(lab.machines.calls.slice(0, 5)).toEqual([...made, `delete ${id}`, ...made]);
  });
});
