import { conflictingRecords, ownerComment, planRecords } from "../../../components/public-dns/render";

const domain = "intranet.example";
const planned = planRecords({ domain, apex: true, caa: [] });

describe("public names", () => {
  test("lead to the sinkhole by wildcard and apex over both families, and nobody may issue", () => {
    expect(planned.map((record) => `${record.key}: ${record.name} ${record.type}`)).toEqual([
      "wildcard-a: *.intranet.example A",
      "wildcard-aaaa: *.intranet.example AAAA",
      "apex-a: intranet.example A",
      "apex-aaaa: intranet.example AAAA",
      "caa: intranet.example CAA",
    ]);
    expect(planned[4]!.data).toEqual({ flags: 0, tag: "issue", value: ";" });
  });

  test("without the apex leave it alone, and name each issuer", () => {
    const records = planRecords({ domain, apex: false, caa: ["letsencrypt.org", "example.org"] });
    expect(records.map((record) => record.key)).toEqual(["wildcard-a", "wildcard-aaaa", "caa", "caa-example.org"]);
  });

  test.each([
    ["an A record of the apex", { name: domain, type: "A", content: "192.0.2.1" }, true],
    [
      "a CNAME of the wildcard, whatever its case",
      { name: "*.Intranet.example", type: "CNAME", content: "x.example" },
      true,
    ],
    ["our own record", { name: domain, type: "A", content: "192.0.2.1", comment: ownerComment(domain) }, false],
    ["the record of another intranet", { name: domain, type: "A", comment: ownerComment("other.example") }, true],
    ["mail", { name: domain, type: "MX", content: "mail.example" }, false],
    ["another CAA", { name: domain, type: "CAA", content: '0 issue "x"' }, false],
    ["a name below", { name: `www.${domain}`, type: "A", content: "192.0.2.1" }, false],
  ])("%s", (_case, record, conflicts) => {
    expect(conflictingRecords(planned, [record], domain)).toEqual(conflicts ? [record] : []);
  });
});
