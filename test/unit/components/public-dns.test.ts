import {
  conflictingRecords,
  ownerComment,
  planRecords,
  type PlannedRecord,
} from "../../../components/public-dns/render";

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
    ["a delegation of the wildcard", { name: "*.intranet.example", type: "NS", content: "ns.example" }, true],
    ["a binding of the apex", { name: domain, type: "HTTPS", content: "1 . alpn=h2" }, true],
    ["a service binding of another name", { name: `_dns.${domain}`, type: "SVCB", content: "1 . alpn=dot" }, false],
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

/**
 * A resolver of planned records: those of the name itself or, where nothing stands at it or below it, of the wildcard
 * of its closest encloser (RFC 4592, section 3.3).
 */
function lookup(records: readonly PlannedRecord[], name: string, type: string): PlannedRecord[] {
  const exists = (node: string): boolean =>
    records.some((each) => each.name === node || each.name.endsWith(`.${node}`));
  const at = (node: string): PlannedRecord[] => records.filter((each) => each.name === node && each.type === type);
  if (exists(name)) return at(name);
  let encloser = name;
  while (encloser.includes(".") && !exists(encloser)) encloser = encloser.replace(/^[^.]*\.?/, "");
  return at(`*.${encloser}`);
}

/**
 * The authorities that may certify a name: the nearest CAA records on the way to the root, less the wildcard's label
 * (RFC 8659, section 3).
 */
function issuersOf(records: readonly PlannedRecord[], subject: string): string[] {
  const wildcard = subject.startsWith("*.");
  for (let name = wildcard ? subject.slice(2) : subject; name !== ""; name = name.replace(/^[^.]*\.?/, "")) {
    const found = lookup(records, name, "CAA").map((record) => record.data!);
    if (found.length === 0) continue;
    const wild = found.filter(({ tag }) => wildcard && tag === "issuewild");
    const relevant = wild.length > 0 ? wild : found.filter(({ tag }) => tag === "issue");
    return relevant.map(({ value }) => value).filter((value) => value !== ";");
  }
  return ["anybody"];
}

describe("services of the Internet", () => {
  const services = [`blog.${domain}`, `wiki.${domain}`];
  const records = planRecords({ domain, apex: true, caa: [], services });
  const target = (name: string, type: "A" | "AAAA"): string[] =>
    lookup(records, name, type).map(({ service }) => (service === undefined ? "sinkhole" : services[service]!));

  test("add records of their own, and change none of the others", () => {
    expect(records.slice(0, planned.length)).toEqual(planned);
    const own = records.filter(({ key }) => key.includes("blog"));
    expect(
      own.map(({ key, name, type, data }) => `${key}: ${name} ${type} ${data?.tag ?? ""} ${data?.value ?? ""}`),
    ).toEqual([
      "service-blog-a: blog.intranet.example A  ",
      "service-blog-aaaa: blog.intranet.example AAAA  ",
      "service-blog-caa: blog.intranet.example CAA issue letsencrypt.org",
      "service-blog-caa-wildcard: blog.intranet.example CAA issuewild ;",
      "below-blog-a: *.blog.intranet.example A  ",
      "below-blog-aaaa: *.blog.intranet.example AAAA  ",
      "below-blog-caa: *.blog.intranet.example CAA issue ;",
    ]);
    expect(records).toHaveLength(planned.length + 2 * own.length);
    expect(new Set(records.map(({ key }) => key)).size).toBe(records.length);
    expect(planRecords({ domain, apex: true, caa: [], services: [services[1]!] })).toEqual(
      records
        .filter(({ key }) => !key.includes("blog"))
        .map((each) => (each.service === 1 ? { ...each, service: 0 } : each)),
    );
  });

  test.each([
    ["a service", `blog.${domain}`, ["sinkhole"], [`blog.${domain}`]],
    ["another", `wiki.${domain}`, ["sinkhole"], [`wiki.${domain}`]],
    ["an internal name", `nextcloud.${domain}`, ["sinkhole"], ["sinkhole"]],
    ["two labels", `a.b.${domain}`, ["sinkhole"], ["sinkhole"]],
    ["the domain", domain, ["sinkhole"], ["sinkhole"]],
    ["a name below a service", `a.blog.${domain}`, ["sinkhole"], ["sinkhole"]],
    ["two labels below a service", `a.b.blog.${domain}`, ["sinkhole"], ["sinkhole"]],
    ["somebody else's name", "www.example", [], []],
  ])("%s leads where it should", (_case, name, v4, v6) => {
    expect([target(name, "A"), target(name, "AAAA")]).toEqual([v4, v6]);
  });

  test.each([
    ["a service's name", `blog.${domain}`, ["letsencrypt.org"]],
    ["another's", `wiki.${domain}`, ["letsencrypt.org"]],
    ["a service's wildcard", `*.blog.${domain}`, []],
    ["a name below a service", `a.blog.${domain}`, []],
    ["two labels below a service", `a.b.blog.${domain}`, []],
    ["a wildcard below a service", `*.a.blog.${domain}`, []],
    ["an internal name", `nextcloud.${domain}`, []],
    ["a name that begins like a service's", `blog2.${domain}`, []],
    ["two labels", `a.b.${domain}`, []],
    ["the domain", domain, []],
    ["the domain's wildcard", `*.${domain}`, []],
  ])("%s: who may issue", (_case, name, issuers) => expect(issuersOf(records, name)).toEqual(issuers));

  test("the authority of services is another than that of all other names", () => {
    const both = planRecords({ domain, apex: true, caa: ["example.org"], services, issuer: "ca.example" });
    expect(issuersOf(both, `blog.${domain}`)).toEqual(["ca.example"]);
    expect(issuersOf(both, `nextcloud.${domain}`)).toEqual(["example.org"]);
    expect(issuersOf(both, `a.blog.${domain}`)).toEqual([]);
  });

  test("a record of somebody else in a service's place is a conflict", () => {
    const others = [
      { name: `blog.${domain}`, type: "AAAA", content: "2001:db8::1" },
      { name: `Wiki.${domain}`, type: "CNAME", content: "x.example" },
      { name: `*.blog.${domain}`, type: "A", content: "192.0.2.1" },
    ];
    const harmless = [
      { name: `blog.${domain}`, type: "MX", content: "mail.example" },
      { name: `nas.${domain}`, type: "AAAA", content: "2001:db8::1" },
    ];
    expect(conflictingRecords(records, [...others, ...harmless], domain)).toEqual(others);
  });
});
