import type { FastifyInstance } from "fastify";
import type { Account } from "./account";
import { success } from "./envelope";
import { ApiError } from "./errors";
import type { Zone } from "./model";

const ON_OFF = ["on", "off"];

/** The settings of a zone: default and, where the list is closed, the values that may be set. */
const SETTINGS: Record<string, { value: unknown; values?: readonly unknown[] }> = {
  "0rtt": { value: "off", values: ON_OFF },
  always_online: { value: "off", values: ON_OFF },
  always_use_https: { value: "off", values: ON_OFF },
  automatic_https_rewrites: { value: "on", values: ON_OFF },
  brotli: { value: "on", values: ON_OFF },
  browser_check: { value: "on", values: ON_OFF },
  development_mode: { value: "off", values: ON_OFF },
  email_obfuscation: { value: "on", values: ON_OFF },
  http2: { value: "on", values: ON_OFF },
  http3: { value: "on", values: ON_OFF },
  ip_geolocation: { value: "on", values: ON_OFF },
  ipv6: { value: "on", values: ON_OFF },
  min_tls_version: { value: "1.0", values: ["1.0", "1.1", "1.2", "1.3"] },
  opportunistic_encryption: { value: "on", values: ON_OFF },
  security_level: { value: "medium", values: ["off", "essentially_off", "low", "medium", "high", "under_attack"] },
  ssl: { value: "full", values: ["off", "flexible", "full", "strict"] },
  tls_1_3: { value: "on", values: ["on", "off", "zrt"] },
  tls_client_auth: { value: "off", values: ON_OFF },
  websockets: { value: "on", values: ON_OFF },
};

interface Params {
  Params: { zone: string; setting: string };
}

/** Routes of `/zones/{id}/settings`. The values are kept; they will mean something once the lab has an edge. */
export function settingRoutes(app: FastifyInstance, account: Account): void {
  app.get<Params>("/zones/:zone/settings", ({ params }) => {
    const zone = account.zone(params.zone);
    return success(Object.keys(SETTINGS).map((id) => present(zone, id)));
  });
  app.get<Params>("/zones/:zone/settings/:setting", ({ params }) =>
    success(present(account.zone(params.zone), params.setting)),
  );
  app.patch<Params>("/zones/:zone/settings/:setting", ({ params, body }) => {
    const zone = account.zone(params.zone);
    const { values } = known(params.setting);
    const value = (body as { value?: unknown }).value;
    if (value === undefined || (values && !values.includes(value))) {
      const allowed = values ? `; it may be ${values.join(", ")}` : "";
      throw new ApiError(400, 1007, `Invalid value for zone setting ${params.setting}${allowed}`);
    }
    zone.settings[params.setting] = { value, modifiedOn: new Date().toISOString() };
    account.save();
    return success(present(zone, params.setting));
  });
}

function known(id: string): { value: unknown; values?: readonly unknown[] } {
  const setting = Object.hasOwn(SETTINGS, id) ? SETTINGS[id] : undefined;
  if (!setting) throw new ApiError(400, 1006, `Unrecognized zone setting name: ${id}`);
  return setting;
}

function present(zone: Zone, id: string): object {
  const set = zone.settings[id];
  return { id, value: set?.value ?? known(id).value, editable: true, modified_on: set?.modifiedOn ?? null };
}
