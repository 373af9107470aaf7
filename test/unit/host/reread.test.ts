import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { applyRequest } from "../../../host/resource/request";

const agent = join(__dirname, "../../../host/agent");
const units = {
  "on.service": { reloadOn: ["/etc/on"] },
  "off.service": { state: "stopped" },
  "changed.service": { restartOn: ["/etc/changed"] },
};

/** What the agent would do to each unit. */
function actions(changed: readonly string[], reread: boolean): Record<string, string> {
  const program = [
    "import json, sys, plan",
    "wanted, changed, reread = json.loads(sys.argv[1])",
    'state = {"active": "active", "enabled": "enabled", "sub": "running", "result": "success", "type": "simple"}',
    'states = {name: {**state, "active": "inactive"} if name == "off.service" else state for name in wanted}',
    'done = plan.unit_actions({"units": {}}, wanted, states, changed, reread)',
    'print(json.dumps({name: item["action"] for name, item in done.items()}))',
  ].join("\n");
  const argument = JSON.stringify([units, changed, reread]);
  const output = execFileSync("python3", ["-c", program, argument], {
    cwd: agent,
    encoding: "utf8",
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  return JSON.parse(output) as Record<string, string>;
}

test("after live state drifted, running units read their files again, and no more than that", () => {
  expect(actions([], false)).toEqual({ "on.service": "none", "off.service": "none", "changed.service": "none" });
  expect(actions([], true)).toEqual({ "on.service": "reload", "off.service": "none", "changed.service": "reload" });
  expect(actions(["/etc/changed"], true)).toEqual({
    "on.service": "reload",
    "off.service": "none",
    "changed.service": "restart",
  });
});

test("the request says so, and does not by itself", () => {
  const inputs = { connection: {} as never, role: "web", owner: "x" };
  expect(applyRequest(inputs, "id", "tx")).toMatchObject({ reread: false });
  expect(applyRequest(inputs, "id", "tx", true)).toMatchObject({ reread: true });
});
