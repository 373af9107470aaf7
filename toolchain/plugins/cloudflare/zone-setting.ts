// cloudflare:index/zoneSetting:ZoneSetting. A setting exists as long as its zone: it is set, never made or removed.
import type { SettingEditParams } from "cloudflare/resources/zones/settings";
import { failure, type ResourceType } from "../common/plugin";
import { type Properties, withoutAbsent } from "../common/values";
import { attempt, find } from "./client";
import { renameKeys, toCamel } from "./names";
import { covers } from "./normal-form";

function outputsOf(setting: object, zoneId: string, spelled: Properties): Properties {
  const { id, value, ...rest } = setting as Properties;
  const live = renameKeys(rest, toCamel) as Properties;
  return withoutAbsent({
    ...live,
    zoneId,
    settingId: id,
    // The API adds what was left out of an object; what was asked for keeps its form while it holds.
    value: spelled.value !== undefined && covers(value, spelled.value) ? spelled.value : value,
    enabled: live.enabled ?? spelled.enabled,
  });
}

async function set(inputs: Properties): Promise<Properties> {
  const [zoneId, settingId] = [String(inputs.zoneId), String(inputs.settingId)];
  const change = inputs.value !== undefined ? { value: inputs.value } : { enabled: inputs.enabled };
  const params = { zone_id: zoneId, ...change } as unknown as SettingEditParams;
  const setting = await attempt(`changing the zone setting ${settingId}`, (api) =>
    api.zones.settings.edit(settingId, params),
  );
  return outputsOf(setting ?? { id: settingId, ...change }, zoneId, inputs);
}

/**
 * One setting of a zone. Its id is the setting's; importing takes `<zone id>/<setting id>`. Deleting changes nothing.
 */
export const zoneSetting: ResourceType = {
  check: (inputs) => ({
    failures: ["settingId", "value", "zoneId"]
      .filter((key) => inputs[key] === undefined)
      .map((key) => failure(key, `"${key}" is required`)),
  }),
  diff(outputs, inputs) {
    const replaces = ["settingId", "zoneId"].filter((key) => outputs[key] !== inputs[key]);
    const enabled = inputs.enabled !== undefined && outputs.enabled !== inputs.enabled;
    return { changes: replaces.length > 0 || enabled || !covers(outputs.value, inputs.value), replaces };
  },
  create: async (inputs) => ({ id: String(inputs.settingId), outputs: await set(inputs) }),
  async read(id, outputs) {
    const [first, second] = id.split("/");
    const [zoneId, settingId] = second === undefined ? [outputs.zoneId, first] : [first, second];
    if (typeof zoneId !== "string" || !settingId) {
      throw new Error(`"${id}" does not name a zone setting: import one as <zone id>/<setting id>`);
    }
    const setting = await find(`reading the zone setting ${settingId}`, (api) =>
      api.zones.settings.get(settingId, { zone_id: zoneId }),
    );
    if (!setting) return undefined;
    const live = outputsOf(setting, zoneId, outputs);
    const inputs = { settingId, zoneId, value: live.value };
    return outputs.settingId === undefined
      ? { id: settingId, outputs: live, inputs }
      : { id: settingId, outputs: live };
  },
  update: (_id, _outputs, inputs) => set(inputs),
  delete: async () => undefined,
};
