import { join } from "node:path";
import { stackVariable } from "../../../lab/commands/run";
import { projectRoot } from "../../../lab/paths";

describe("bin/lab run", () => {
  test.each([
    ["the caller's own stack", "mine", projectRoot(), { PULUMI_STACK: "mine" }],
    ["the caller's own stack elsewhere", "mine", "/srv/mine", { PULUMI_STACK: "mine" }],
    ["the lab's stack in the project", undefined, projectRoot(), { PULUMI_STACK: "lab" }],
    ["the lab's stack below it", undefined, join(projectRoot(), "test"), { PULUMI_STACK: "lab" }],
    ["none elsewhere: what was selected there counts", undefined, "/srv/mine", {}],
    ["none beside the project", undefined, `${projectRoot()}-mine`, {}],
  ])("works on %s", (_what, named, cwd, expected) => expect(stackVariable(named, cwd, "lab")).toEqual(expected));
});
