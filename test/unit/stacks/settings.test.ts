/** A stack's configuration: every setting is read, all mistakes are said at once, and nobody's values with them. */
import { ValidationError } from "../../../model";
import { readSettings } from "../../../stacks/settings";

const KINDS = { name: "text", sites: "data", protect: "data" } as const;
const read = (all: Record<string, string>) => readSettings("net", KINDS, all);

test("text stays text, data is read, what is not set is left out, other projects' and providers' keys are theirs", () => {
  expect(read({ "net:name": "12", "net:sites": '{"home":{"id":7}}', "hcloud:token": "x", "other:name": "y" })).toEqual({
    name: "12",
    sites: { home: { id: 7 } },
  });
  expect(read({ "net:protect": "false" })).toEqual({ protect: false });
});

test("unknown keys and what is no data are refused together, with every key there is, without values", () => {
  const attempt = () => read({ "net:servcies": "hunter2", "net:sites": "hunter3", "net:toString": "hunter4" });
  expect(attempt).toThrow(ValidationError);
  expect(attempt).toThrow(/3 problems/);
  for (const said of [/net:servcies: is no setting\n/, /net:sites: is text/, /net:toString: is no setting/])
    expect(attempt).toThrow(said);
  expect(attempt).toThrow(/known are name, sites, protect; .*`pulumi config rm net:servcies`/);
  expect(attempt).not.toThrow(/hunter/);
});
