import { HCLOUD_TOKEN } from "../../../lab/constants";
import { call, startTestClouds, type Answer, type TestClouds } from "./fakes";

let lab: TestClouds;
const api = (method: string, path: string, body?: unknown): Promise<Answer> =>
  call(method, `${lab.clouds.hetznerUrls[0] as string}${path}`, HCLOUD_TOKEN, body);

async function idle(): Promise<void> {
  await lab.clouds.hetzner.project.actions.idle();
}

async function createServer(extra: object = {}): Promise<number> {
  const body = {
    name: `s${lab.machines.specs.size}`,
    server_type: "cx23",
    image: "debian-13",
    location: "fsn1",
    ...extra,
  };
  const answer = await api("POST", "/servers", body);
  expect(answer.status).toBe(201);
  await idle();
  return answer.body.server.id;
}

async function createIp(extra: object = {}): Promise<{ id: number; ip: string }> {
  const answer = await api("POST", "/primary_ips", {
    name: "ip",
    type: "ipv4",
    assignee_type: "server",
    location: "fsn1",
    ...extra,
  });
  expect(answer.status).toBe(201);
  return answer.body.primary_ip;
}

beforeEach(async () => {
  lab = await startTestClouds();
});
afterEach(() => lab.clouds.close());

describe("primary IPs", () => {
  test("are unassigned at first, and IPv6 ones are /64 networks", async () => {
    const answer = await api("POST", "/primary_ips", {
      name: "six",
      type: "ipv6",
      assignee_type: "server",
      location: "hel1",
    });
    expect(answer.body).toMatchObject({
      primary_ip: {
        ip: "2001:db8:100:1::/64",
        assignee_id: null,
        assignee_type: "unassigned",
        location: { name: "hel1" },
        dns_ptr: [],
        auto_delete: false,
        protection: { delete: false },
      },
      action: null,
    });
  });

  test("move between servers only while those are off", async () => {
    const id = await createServer();
    const { primary_ip: old } = (
      await api("GET", `/primary_ips/${(await api("GET", `/servers/${id}`)).body.server.public_net.ipv4.id}`)
    ).body;
    expect((await api("POST", `/primary_ips/${old.id}/actions/unassign`)).body.error.code).toBe("server_not_stopped");
    const fresh = await createIp();
    expect((await api("POST", `/primary_ips/${fresh.id}/actions/assign`, { assignee_id: id })).body.error.code).toBe(
      "server_not_stopped",
    );
    await api("POST", `/servers/${id}/actions/poweroff`);
    await idle();
    expect((await api("POST", `/primary_ips/${fresh.id}/actions/assign`, { assignee_id: id })).body.error.code).toBe(
      "server_has_ipv4",
    );
    await api("POST", `/primary_ips/${old.id}/actions/unassign`);
    await idle();
    expect(lab.machines.calls.at(-1)).toBe(`addresses(-,2001:db8:100:1::/64) ${id}`);
    await api("POST", `/primary_ips/${fresh.id}/actions/assign`, { assignee_id: id, assignee_type: "server" });
    await idle();
    expect(lab.machines.calls.at(-1)).toBe(`addresses(${fresh.ip},2001:db8:100:1::/64) ${id}`);
    expect((await api("GET", `/primary_ips/${fresh.id}`)).body.primary_ip).toMatchObject({
      assignee_id: id,
      assignee_type: "server",
    });
  });

  test("refuse a server elsewhere, one of the other version, and one that is taken", async () => {
    const far = await createIp({ location: "ash" });
    const create = (public_net: object): Promise<Answer> =>
      api("POST", "/servers", { name: "x", server_type: "cx23", image: "debian-13", location: "fsn1", public_net });
    expect((await create({ ipv4: far.id })).body.error.code).toBe("primary_ip_datacenter_mismatch");
    expect((await create({ ipv6: far.id })).body.error.code).toBe("primary_ip_version_mismatch");
    const near = await createIp({ name: "near" });
    await createServer({ public_net: { ipv4: near.id } });
    expect((await create({ ipv4: near.id })).body.error.code).toBe("primary_ip_assigned");
  });

  test("have PTR names that are published, reset and withdrawn", async () => {
    const v4 = await createIp();
    await idle();
    const standard = `static.${v4.ip.split(".").reverse().join(".")}.clients.hetzner.example`;
    expect(lab.names.reverse.get(v4.ip)).toBe(standard);
    const change = (id: number, ip: string, dns_ptr: string | null): Promise<Answer> =>
      api("POST", `/primary_ips/${id}/actions/change_dns_ptr`, { ip, dns_ptr });
    await change(v4.id, v4.ip, "VPS.intranet.example.");
    await idle();
    expect(lab.names.reverse.get(v4.ip)).toBe("vps.intranet.example");
    await change(v4.id, v4.ip, null);
    await idle();
    expect(lab.names.reverse.get(v4.ip)).toBe(standard);
    const v6 = await createIp({ name: "six", type: "ipv6" });
    await change(v6.id, "2001:DB8:100:1:0::5", "five.intranet.example");
    await idle();
    expect((await api("GET", `/primary_ips/${v6.id}`)).body.primary_ip.dns_ptr).toEqual([
      { ip: "2001:db8:100:1::5", dns_ptr: "five.intranet.example" },
    ]);
    expect(lab.names.reverse.get("2001:db8:100:1::5")).toBe("five.intranet.example");
    for (const [ip, name] of [
      ["2001:db8:100:2::5", "x.example"],
      [v4.ip, "x.example"],
      ["nonsense", "x.example"],
      ["2001:db8:100:1::5", "not a name"],
    ] as const) {
      expect((await change(v6.id, ip, name)).body.error.code).toBe("invalid_input");
    }
    await api("DELETE", `/primary_ips/${v6.id}`);
    await api("DELETE", `/primary_ips/${v4.id}`);
    await idle();
    expect([...lab.names.reverse]).toEqual([]);
  });

  test("are protected, unique by name, and given out again last", async () => {
    const first = await createIp();
    expect((await api("POST", "/primary_ips", { name: "ip", type: "ipv4", location: "fsn1" })).body.error.code).toBe(
      "uniqueness_error",
    );
    await api("POST", `/primary_ips/${first.id}/actions/change_protection`, { delete: true });
    expect((await api("DELETE", `/primary_ips/${first.id}`)).body.error.code).toBe("protected");
    await api("POST", `/primary_ips/${first.id}/actions/change_protection`, { delete: false });
    expect((await api("DELETE", `/primary_ips/${first.id}`)).status).toBe(204);
    expect((await createIp()).ip).not.toBe(first.ip);
  });

  test.each([
    ["without a location", { name: "x", type: "ipv4" }],
    ["with a removed field", { name: "x", type: "ipv4", datacenter: "fsn1-dc14" }],
    ["of no version", { name: "x", type: "ipv5", location: "fsn1" }],
  ])("are refused %s", async (_what, body) => {
    expect((await api("POST", "/primary_ips", body)).body.error.code).toBe("invalid_input");
  });

  test("run out with an error, and not with an address of somebody else", async () => {
    for (let index = 0; index < 117; index++) await createIp({ name: `ip${index}` });
    const answer = await api("POST", "/primary_ips", { name: "more", type: "ipv4", location: "fsn1" });
    expect([answer.status, answer.body.error.code]).toEqual([403, "resource_limit_exceeded"]);
  });
});

describe("firewalls", () => {
  const inbound = (port: string): object => ({
    direction: "in",
    protocol: "tcp",
    port,
    source_ips: ["0.0.0.0/0", "::/0"],
  });
  const create = (body: object): Promise<Answer> => api("POST", "/firewalls", { name: "edge", ...body });

  test("take effect on the servers that they are applied to, at once", async () => {
    const id = await createServer();
    const { firewall } = (await create({ rules: [inbound("443")], apply_to: [{ type: "server", server: { id } }] }))
      .body;
    await idle();
    const rule = {
      direction: "in",
      protocol: "tcp",
      port: "443",
      sourceIps: ["0.0.0.0/0", "::/0"],
      destinationIps: [],
    };
    expect(lab.machines.rules.get(id)).toEqual([rule]);
    const answer = await api("POST", `/firewalls/${firewall.id}/actions/set_rules`, { rules: [inbound("80-85")] });
    expect(answer.body.actions.map((action: { command: string }) => action.command)).toEqual([
      "set_firewall_rules",
      "apply_firewall",
    ]);
    await idle();
    expect(lab.machines.rules.get(id)).toEqual([{ ...rule, port: "80-85" }]);
    expect((await api("GET", `/servers/${id}`)).body.server.public_net.firewalls).toEqual([
      { id: firewall.id, status: "applied" },
    ]);
    expect((await api("DELETE", `/firewalls/${firewall.id}`)).body.error).toMatchObject({ code: "resource_in_use" });
    await api("POST", `/firewalls/${firewall.id}/actions/remove_from_resources`, {
      remove_from: [{ type: "server", server: { id } }],
    });
    await idle();
    expect(lab.machines.rules.get(id)).toBeUndefined();
    expect((await api("DELETE", `/firewalls/${firewall.id}`)).status).toBe(204);
  });

  test("without rules close a server; several are united", async () => {
    const empty = (await create({ name: "closed" })).body.firewall.id;
    const web = (await create({ name: "web", rules: [inbound("80")] })).body.firewall.id;
    const closed = await createServer({ firewalls: [{ firewall: empty }] });
    expect(lab.machines.rules.get(closed)).toEqual([]);
    const both = await createServer({ name: "both", firewalls: [{ firewall: empty }, { firewall: web }] });
    expect(lab.machines.rules.get(both)).toHaveLength(1);
  });

  test("follow a label selector as labels come and go", async () => {
    const id = await createServer({ labels: { role: "web" } });
    const target = { type: "label_selector", label_selector: { selector: "role=web" } };
    const { firewall } = (await create({ rules: [inbound("80")], apply_to: [target] })).body;
    await idle();
    expect(firewall.applied_to).toMatchObject([
      { ...target, applied_to_resources: [{ type: "server", server: { id } }] },
    ]);
    expect(lab.machines.rules.get(id)).toHaveLength(1);
    await api("PUT", `/servers/${id}`, { labels: {} });
    await idle();
    expect(lab.machines.rules.get(id)).toBeUndefined();
    await api("PUT", `/servers/${id}`, { labels: { role: "web" } });
    await idle();
    expect(lab.machines.rules.get(id)).toHaveLength(1);
    const direct = { remove_from: [{ type: "server", server: { id } }] };
    expect((await api("POST", `/firewalls/${firewall.id}/actions/remove_from_resources`, direct)).body.error.code).toBe(
      "firewall_managed_by_label_selector",
    );
  });

  test("are left by a server that is deleted", async () => {
    const { firewall } = (await create({ rules: [inbound("80")] })).body;
    const id = await createServer({ firewalls: [{ firewall: firewall.id }] });
    await api("DELETE", `/servers/${id}`);
    await idle();
    expect((await api("GET", `/firewalls/${firewall.id}`)).body.firewall.applied_to).toEqual([]);
    expect((await api("DELETE", `/firewalls/${firewall.id}`)).status).toBe(204);
  });

  test.each([
    ["tcp without a port", { direction: "in", protocol: "tcp", source_ips: ["::/0"] }, "rules[0].port"],
    ["a port out of range", inbound("65536"), "rules[0].port"],
    ["a range upside down", inbound("90-80"), "rules[0].port"],
    ["icmp with a port", { direction: "in", protocol: "icmp", port: "80", source_ips: ["::/0"] }, "rules[0].port"],
    ["in without sources", { direction: "in", protocol: "tcp", port: "80" }, "rules[0].source_ips"],
    ["out without destinations", { direction: "out", protocol: "tcp", port: "80" }, "rules[0].destination_ips"],
    ["host bits", { ...inbound("80"), source_ips: ["10.0.0.1/8"] }, "rules[0].source_ips"],
    ["no prefix", { ...inbound("80"), source_ips: ["10.0.0.0"] }, "rules[0].source_ips"],
    ["an unknown protocol", { ...inbound("80"), protocol: "ospf" }, "rules.0.protocol"],
  ])("refuse %s and name the field", async (_what, rule, field) => {
    const { status, body } = await create({ rules: [rule] });
    expect(status).toBe(422);
    expect(body.error).toMatchObject({ code: "invalid_input", details: { fields: [{ name: field }] } });
    expect((await api("GET", "/firewalls")).body.firewalls).toEqual([]);
  });

  test("refuse to be applied twice, or to nothing", async () => {
    const id = await createServer();
    const { firewall } = (await create({})).body;
    const apply = (server: number): Promise<Answer> =>
      api("POST", `/firewalls/${firewall.id}/actions/apply_to_resources`, {
        apply_to: [{ type: "server", server: { id: server } }],
      });
    expect((await apply(id)).status).toBe(201);
    expect((await apply(id)).body.error.code).toBe("firewall_already_applied");
    expect((await apply(1)).body.error.code).toBe("firewall_resource_not_found");
  });
});
