import { HCLOUD_TOKEN } from "../../../lab/constants";
import { call, startTestClouds, type Answer, type TestClouds } from "./fakes";

let lab: TestClouds;
const api = (method: string, path: string, body?: unknown): Promise<Answer> =>
  call(method, `${lab.clouds.hetznerUrls[0] as string}${path}`, HCLOUD_TOKEN, body);
const refusal = async (method: string, path: string, body?: unknown): Promise<[number, string]> => {
  const answer = await api(method, path, body);
  return [answer.status, answer.body.error.code];
};
const idle = (): Promise<void> => lab.clouds.hetzner.project.actions.idle();

interface Made {
  server: number;
  firewall: number;
  ipv4: number;
}

/** A server as the stack makes one: behind a firewall, with a primary IP that outlives it. */
async function makeServer(): Promise<Made> {
  const rule = { direction: "in", protocol: "tcp", port: "22", source_ips: ["::/0"] };
  const firewall = (await api("POST", "/firewalls", { name: "edge", rules: [rule] })).body.firewall.id;
  const ipv4 = (await api("POST", "/primary_ips", { name: "ip", type: "ipv4", location: "fsn1" })).body.primary_ip.id;
  const { status, body } = await api("POST", "/servers", {
    ...{ name: "vps", server_type: "cx23", image: "debian-13", labels: { role: "edge" } },
    firewalls: [{ firewall }],
    public_net: { ipv4, enable_ipv6: false },
  });
  expect(status).toBe(201);
  await idle();
  return { server: body.server.id, firewall, ipv4 };
}

beforeEach(async () => {
  lab = await startTestClouds();
});
afterEach(() => lab.clouds.close());

describe("filters", () => {
  test.each([
    "/servers?status=off&name=vps",
    "/servers?label_selector=role%3Dedge&status=running&status=off",
    "/primary_ips?ip=198.51.100.10&sort=created:desc",
    "/firewalls?name=edge&sort=name",
    "/images?type=system&architecture=x86&status=available&include_deprecated=false&sort=created",
    "/locations?name=fsn1",
    "/servers/actions?status=success&sort=command&sort=id:desc",
  ])("%s finds something", async (path) => {
    const { server } = await makeServer();
    if (path.includes("status=off&name")) await api("POST", `/servers/${server}/actions/poweroff`);
    await idle();
    const { status, body } = await api("GET", path);
    expect(status).toBe(200);
    expect(body[path.includes("actions") ? "actions" : (/^\/(\w+)/.exec(path)?.[1] ?? "")]).not.toEqual([]);
  });

  test.each([
    "/servers?status=running",
    "/servers?label_selector=role%3Dother",
    "/primary_ips?ip=198.51.100.11",
    "/images?type=snapshot",
    "/images?bound_to=42",
    "/images?label_selector=a%3Db",
    "/servers/actions?status=error",
  ])("%s leaves out what it does not name", async (path) => {
    const { server } = await makeServer();
    await api("POST", `/servers/${server}/actions/poweroff`);
    await idle();
    const { status, body } = await api("GET", path);
    const [key] = Object.keys(body).filter((name) => name !== "meta");
    expect([status, body[key as string]]).toEqual([200, []]);
  });

  test.each([
    ["a parameter that the list has not", "/servers?location=fsn1"],
    ["a misspelt one", "/ssh_keys?names=a"],
    ["labels where there are none", "/locations?label_selector=a"],
    ["a status that there is not", "/servers?status=on"],
    ["a status of actions", "/servers/actions?status=done"],
    ["a field to sort by that there is not", "/primary_ips?sort=ip"],
  ])("%s is refused, not ignored", async (_what, path) => {
    expect(await refusal("GET", path)).toEqual([422, "invalid_input"]);
  });
});

describe("actions", () => {
  test("of every kind are found below the kind and below one of it", async () => {
    const { server, firewall, ipv4 } = await makeServer();
    await api("POST", `/primary_ips/${ipv4}/actions/change_dns_ptr`, { ip: "198.51.100.10", dns_ptr: "a.example" });
    await idle();
    const image = (await api("GET", "/images")).body.images[0].id;
    for (const [collection, id, command] of [
      ["servers", server, "start_server"],
      ["firewalls", firewall, "set_firewall_rules"],
      ["primary_ips", ipv4, "change_dns_ptr"],
      ["images", image, "create_server"],
    ] as const) {
      const own = (await api("GET", `/${collection}/${id}/actions?per_page=50`)).body.actions;
      const action = own.find((entry: { command: string }) => entry.command === command);
      expect(action).toMatchObject({ status: "success" });
      expect((await api("GET", `/${collection}/${id}/actions/${action.id}`)).body.action).toEqual(action);
      expect((await api("GET", `/${collection}/actions/${action.id}`)).body.action).toEqual(action);
      expect((await api("GET", `/${collection}/actions?id=${action.id}`)).body.actions).toEqual([action]);
      expect(await refusal("GET", `/${collection}/1/actions`)).toEqual([404, "not_found"]);
      expect(await refusal("GET", `/${collection}/${id}/actions/1`)).toEqual([404, "not_found"]);
    }
    // Another kind's action is not found here.
    const [foreign] = (await api("GET", `/firewalls/${firewall}/actions`)).body.actions;
    expect(await refusal("GET", `/images/actions/${foreign.id}`)).toEqual([404, "not_found"]);
  });

  test("of the whole project are listed by their ids only", async () => {
    const { body, status } = await api("GET", "/actions?status=success");
    expect([status, body.error]).toMatchObject([
      410,
      { code: "deprecated_api_endpoint", details: { announcement: expect.stringContaining("changelog") } },
    ]);
  });
});

describe("what the lab's cloud has not", () => {
  const kinds = ["certificates", "floating_ips", "isos", "load_balancer_types", "load_balancers", "networks"].concat(
    ["placement_groups", "volumes"],
    ["zones"],
  );
  test.each(kinds)("%s: an empty list, no ids, and none can be made", async (kind) => {
    const { status, body } = await api("GET", `/${kind}?name=x&sort=name&page=1&per_page=50`);
    expect([status, body[kind], body.meta.pagination.total_entries]).toEqual([200, [], 0]);
    expect((await api("GET", `/${kind}/actions`)).body.actions).toEqual([]);
    expect(await refusal("GET", `/${kind}/42`)).toEqual([404, "not_found"]);
    expect(await refusal("DELETE", `/${kind}/42`)).toEqual([404, "not_found"]);
    expect(await refusal("POST", `/${kind}/42/actions/assign`)).toEqual([404, "not_found"]);
    expect(await refusal("POST", `/${kind}`, { name: "x" })).toEqual([422, "unsupported_error"]);
  });

  test("actions of servers that it has not are unsupported, and say so", async () => {
    const { server } = await makeServer();
    const path = `/servers/${server}/actions/enable_rescue`;
    expect((await api("POST", path, { type: "linux64" })).body.error).toMatchObject({
      code: "unsupported_error",
      message: "the lab's cloud has no server action enable_rescue",
    });
    expect(await refusal("POST", `/servers/${server}/actions/fly`)).toEqual([404, "not_found"]);
  });

  test("data centers are gone, as since October 2026", async () => {
    expect(await refusal("GET", "/datacenters")).toEqual([410, "deprecated_api_endpoint"]);
    expect(await refusal("GET", "/datacenters/4")).toEqual([410, "deprecated_api_endpoint"]);
  });

  test("labels of Hetzner's own cannot be set", async () => {
    const labels = { "hetzner.cloud/x": "y" };
    expect(await refusal("POST", "/firewalls", { name: "a", labels })).toEqual([422, "invalid_input"]);
    expect((await api("POST", "/firewalls", { name: "a", labels: { "example.com/x": "y" } })).status).toBe(201);
  });
});

describe("deleting", () => {
  test("works in the order that Hetzner demands, and in no other", async () => {
    const { server, firewall, ipv4 } = await makeServer();
    expect(await refusal("DELETE", `/firewalls/${firewall}`)).toEqual([422, "resource_in_use"]);
    expect(await refusal("DELETE", `/primary_ips/${ipv4}`)).toEqual([422, "must_be_unassigned"]);
    await api("POST", `/servers/${server}/actions/poweroff`);
    await idle();
    // Being off is not enough any more.
    expect(await refusal("DELETE", `/primary_ips/${ipv4}`)).toEqual([422, "must_be_unassigned"]);
    lab.machines.held.add("delete");
    expect((await api("DELETE", `/servers/${server}`)).body.action.status).toBe("running");
    // Both still hang on a server whose deletion is not over.
    expect(await refusal("DELETE", `/firewalls/${firewall}`)).toEqual([422, "resource_in_use"]);
    expect(await refusal("DELETE", `/primary_ips/${ipv4}`)).toEqual([422, "must_be_unassigned"]);
    lab.machines.release();
    await idle();
    expect((await api("DELETE", `/firewalls/${firewall}`)).status).toBe(204);
    expect((await api("DELETE", `/primary_ips/${ipv4}`)).status).toBe(204);
  });

  test("a primary IP goes once it is unassigned from a server that stays", async () => {
    const { server, ipv4 } = await makeServer();
    await api("POST", `/servers/${server}/actions/poweroff`);
    await idle();
    await api("POST", `/primary_ips/${ipv4}/actions/unassign`);
    await idle();
    expect((await api("DELETE", `/primary_ips/${ipv4}`)).status).toBe(204);
    expect((await api("GET", `/servers/${server}`)).body.server.public_net.ipv4).toBeNull();
  });
});
