import { ZONE } from "../../constants";
import type { RecordBody } from "./records";

/** The zone of a new lab, with records that are somebody else's: whatever runs on the lab must leave them alone. */
export const SEED: { zone: string; records: RecordBody[] }[] = [
  {
    zone: ZONE,
    records: [
      { name: "@", type: "MX", content: "mail.hosting.example", priority: 10, ttl: 3600 },
      { name: "@", type: "TXT", content: '"v=spf1 mx -all"', ttl: 3600 },
      { name: "www", type: "A", content: "192.0.2.40", ttl: 300, comment: "the old web site" },
    ],
  },
];
