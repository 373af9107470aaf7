/** One intranet that all renderers' goldens are made from. */
import { planIntranet, type IntranetPlan } from "../../../model";
import { site, spec } from "../model/fixtures";

/** Two sites, one of them forwarding, two devices, two services. */
export const PLAN: IntranetPlan = planIntranet(
  "home",
  spec({
    sites: { home: site(0), cabin: site(1, { router: "static", underlayMtu: 1460 }) },
    devices: { laptop: {}, phone: {} },
    services: { nextcloud: { at: "home", port: 8080 }, wiki: { at: "home", port: 8081 } },
  }),
);
