import type { FastifyInstance } from "fastify";
import type { Account } from "./account";
import { choiceOf, page, PAGING, requireKnown, success, valueOf, type Query } from "./envelope";
import { ApiError, validationError } from "./errors";
import type { Zone } from "./model";

/** Name servers that the API shows for a zone. */
const NAME_SERVERS = ["ns1.cloudflare.example", "ns2.cloudflare.example"];
const ACCOUNT_NAME = "Lab";
const ORDER = ["name", "status", "account.id", "account.name", "plan.id"];
const KNOWN = ["name", "account.id", "account.name", "status", "type", "match", "order", "direction", ...PAGING];

/** Operators that a filter's value can begin with, `contains:example`; without one it is `equal`. */
const OPERATORS: Record<string, (text: string, wanted: string) => boolean> = {
  equal: (text, wanted) => text === wanted,
  not_equal: (text, wanted) => text !== wanted,
  starts_with: (text, wanted) => text.startsWith(wanted),
  ends_with: (text, wanted) => text.endsWith(wanted),
  contains: (text, wanted) => text.includes(wanted),
};

/** What an account of one zone has none of: the lists are empty, and nothing can be made. Paths below `/zones/{id}`. */
const ABSENT = [
  "custom_certificates",
  "custom_hostnames",
  "custom_pages",
  "email/routing/rules",
  "filters",
  "firewall/access_rules/rules",
  "firewall/lockdowns",
  "firewall/rules",
  "firewall/ua_rules",
  "healthchecks",
  "keyless_certificates",
  "load_balancers",
  "logpush/jobs",
  "origin_tls_client_auth",
  "pagerules",
  "rate_limits",
  "rulesets",
  "secondary_dns/incoming",
  "snippets",
  "spectrum/apps",
  "ssl/certificate_packs",
  "waiting_rooms",
  "web3/hostnames",
  "workers/routes",
];

interface Params {
  Params: { zone: string };
}

/** Routes of `/zones`, `/accounts`, and of what a zone could have and has not here. */
export function zoneRoutes(app: FastifyInstance, account: Account): void {
  const present = (zone: Zone): object => presentZone(zone, account.id);
  app.get("/zones", ({ query }) => {
    const zones = list(account, query as Query);
    return page(zones, query as Query, { perPage: 20, max: 50 }, present);
  });
  app.get<Params>("/zones/:zone", ({ params }) => success(present(account.zone(params.zone))));
  app.post("/zones", () => {
    const permission = "com.cloudflare.api.account.zone.create";
    const message = `Requires permission "${permission}" to create zones for the selected account`;
    throw new ApiError(403, 0, message);
  });
  app.get("/accounts", ({ query }) => {
    requireKnown(query as Query, PAGING);
    const present = (name: string): object => ({ id: account.id, name, type: "standard", settings: {} });
    return page([ACCOUNT_NAME], query as Query, { perPage: 20, max: 50 }, present);
  });
  for (const path of ABSENT) {
    app.get<Params>(`/zones/:zone/${path}`, ({ params, query }) => {
      account.zone(params.zone);
      const { page: number, per_page } = query as Query;
      return page([], { page: number, per_page }, { perPage: 20, max: 1000 }, () => ({}));
    });
    app.post<Params>(`/zones/:zone/${path}`, ({ params }) => {
      account.zone(params.zone);
      throw validationError(`The lab's Cloudflare has no edge yet, so ${path} cannot be made.`, 9003);
    });
  }
}

function list(account: Account, query: Query): Zone[] {
  requireKnown(query, KNOWN);
  const status = choiceOf(query, "status", ["initializing", "pending", "active", "moved"]);
  const types = valueOf(query, "type")?.split(",");
  const sign = choiceOf(query, "direction", ["asc", "desc"]) === "desc" ? -1 : 1;
  const order = choiceOf(query, "order", ORDER);
  const accountId = valueOf(query, "account.id");
  const accountName = valueOf(query, "account.name");
  const name = valueOf(query, "name");
  const tests: ((zone: Zone) => boolean)[] = [
    ...(name === undefined ? [] : [(zone: Zone) => matches(zone.name, name)]),
    ...(status === undefined ? [] : [() => status === "active"]),
    ...(types === undefined ? [] : [() => types.includes("full")]),
    ...(accountId === undefined ? [] : [() => accountId === account.id]),
    ...(accountName === undefined ? [] : [() => matches(ACCOUNT_NAME, accountName)]),
  ];
  const any = choiceOf(query, "match", ["any", "all"]) === "any" && tests.length > 0;
  const found = account.zones.filter((zone) =>
    any ? tests.some((test) => test(zone)) : tests.every((test) => test(zone)),
  );
  return order === "name" ? found.sort((a, b) => (a.name < b.name ? -sign : sign)) : found;
}

/** Compares by the operator that `wanted` begins with; without case unless the operator says so. */
function matches(text: string, wanted: string): boolean {
  const [operator = "", rest = ""] = /^([a-z_]+):(.*)$/.exec(wanted)?.slice(1) ?? ["equal", wanted];
  const test = OPERATORS[operator.replace(/_case_sensitive$/, "")];
  if (!test) throw validationError(`${operator} is no operator of a filter.`, 1004);
  return operator.endsWith("_case_sensitive") ? test(text, rest) : test(text.toLowerCase(), rest.toLowerCase());
}

function presentZone(zone: Zone, accountId: string): object {
  return {
    id: zone.id,
    name: zone.name,
    status: "active",
    paused: false,
    type: "full",
    development_mode: 0,
    name_servers: NAME_SERVERS,
    original_name_servers: null,
    original_registrar: null,
    original_dnshost: null,
    created_on: zone.createdOn,
    modified_on: zone.createdOn,
    activated_on: zone.createdOn,
    verification_key: null,
    vanity_name_servers: [],
    meta: { step: 2, custom_certificate_quota: 0, page_rule_quota: 3, phishing_detected: false },
    owner: { id: null, type: "user", email: null },
    account: { id: accountId, name: ACCOUNT_NAME },
    permissions: ["#zone:read", "#zone:edit", "#dns_records:read", "#dns_records:edit"],
    plan: {
      id: "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
      name: "Free Website",
      price: 0,
      currency: "USD",
      frequency: "",
      legacy_id: "free",
      is_subscribed: false,
      can_subscribe: false,
      legacy_discount: false,
      externally_managed: false,
    },
  };
}
