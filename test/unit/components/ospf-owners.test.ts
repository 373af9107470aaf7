import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OspfArgs, OspfOwner } from "../../../components/ospf/args";
import { ospfRole } from "../../../components/ospf/roles";
import { BIRD_CONFIG } from "../../../components/ospf/render";
import { OWNERS_FILE, OWNERS_SCRIPT } from "../../../components/ospf/watch";
import { testWith } from "./checkers";

const space = { v4: "10.16.0.0/12", v6: "fd71:47d2:79d7::/48" };
const NUMBERS = { vps: 1, home: 2, cabin: 3, office: 4 };
type Host = keyof typeof NUMBERS;
const HOSTS = Object.keys(NUMBERS) as Host[];
/** A ring of three, and home behind the hub alone. */
const TUNNELS: [Host, Host][] = [
  ["vps", "home"],
  ["vps", "cabin"],
  ["vps", "office"],
  ["cabin", "office"],
];
const identity = (host: Host) => ({
  v4: `10.31.240.${NUMBERS[host]}`,
  v6: `fd71:47d2:79d7:ffff::${NUMBERS[host]}`,
});
const lans = (host: Host) =>
  host === "vps" ? ["10.31.224.0/20"] : [`10.${18 + NUMBERS[host]}.0.0/24`, `fd71:47d2:79d7:${NUMBERS[host]}::/64`];
const neighbours = (host: Host) => TUNNELS.flatMap(([a, b]) => (a === host ? [b] : b === host ? [a] : []));
/** Said by hand: which neighbours lead to whom. */
const WAYS: Partial<Record<Host, Partial<Record<Host, Host[]>>>> = {
  vps: { home: ["home"], cabin: ["cabin", "office"], office: ["office", "cabin"] },
  cabin: { vps: ["vps", "office"], home: ["vps", "office"], office: ["office", "vps"] },
};

function ownersFor(host: Host): Record<string, OspfOwner> | undefined {
  const ways = WAYS[host];
  if (!ways) return undefined;
  const owner = (other: Host): OspfOwner => ({
    routerId: identity(other).v4,
    prefixes: [`${identity(other).v4}/32`, `${identity(other).v6}/128`, ...lans(other)],
    ways: ways[other]!.map((neighbour) => `wg-${neighbour}`),
  });
  return Object.fromEntries(HOSTS.filter((other) => other !== host).map((other) => [other, owner(other)]));
}

/** BIRD's configuration with its secret filled in, and quick hellos. */
function bird(host: Host, owners: Record<string, OspfOwner> | undefined): string {
  return (ospfRole(argsFor(host, owners)).files![BIRD_CONFIG]!.content as string)
    .replace(/\{\{\w+\}\}/g, "a secret of sixteen")
    .replaceAll("hello 5;", "hello 1;")
    .replaceAll("dead 20;", "dead 4;");
}

function argsFor(host: Host, owners: Record<string, OspfOwner> | undefined): OspfArgs {
  return {
    connection: { address: "unused", hostKeys: [] },
    routerId: identity(host).v4,
    identity: identity(host),
    space,
    announce: lans(host),
    interfaces: neighbours(host).map((neighbour) => ({
      interface: `wg-${neighbour}`,
      neighbour,
      secret: "a secret of sixteen",
    })),
    bfd: false,
    ...(owners ? { owners } : {}),
  };
}

/** The office's configuration with more networks, at the least cost; perhaps under another's number. */
function claiming(prefixes: readonly string[], routerId?: string): string {
  const honest = bird("office", undefined);
  const [v4, v6] = [false, true].map((six) =>
    prefixes.filter((prefix) => prefix.includes(":") === six).map((prefix) => `stubnet ${prefix} { cost 1; };`),
  );
  let seen = 0;
  const claimed = honest.replaceAll("\tarea 0 {", (area) => `${area}\n${(seen++ === 0 ? v4! : v6!).join("\n")}`);
  return routerId === undefined ? claimed : claimed.replace(/router id \S+;/, `router id ${routerId};`);
}

const HOME = [`${identity("home").v4}/32`, `${identity("home").v6}/128`, ...lans("home")];
const PARTS = ["10.20.0.128/25", "10.20.0.7/32", "fd71:47d2:79d7:2::/65"];
const EVERYBODY = {
  home: identity("home").v4,
  "home over IPv6": identity("home").v6,
  "home's LAN": "10.20.0.7",
  "home's LAN over IPv6": "fd71:47d2:79d7:2::7",
  cabin: identity("cabin").v4,
  office: identity("office").v4,
  "nobody's": "10.25.0.1",
};

/** By claim, the interface by which each host sends to each name; or lines that were said. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- read from the script beside it
type Played = Record<string, any>;

/** Plays all of it once. */
function play(owners: (host: Host) => Record<string, OspfOwner> | undefined, wanted: readonly string[]): Played {
  const folder = mkdtempSync(join(tmpdir(), "ospf-owners-"));
  const claims: Record<string, { text: string; seen: string | null }> = {
    "home's own": { text: claiming(HOME), seen: "stubnet 10.20.0.0/24 metric 1\n" },
    "parts of it": { text: claiming(PARTS), seen: "stubnet 10.20.0.128/25" },
    "what is nobody's": { text: claiming(["10.25.0.0/24"]), seen: "stubnet 10.25.0.0/24" },
    "home's own, as home": { text: claiming(HOME, identity("home").v4), seen: null },
  };
  const { cabin: _itself, ...asked } = EVERYBODY;
  const network = {
    tunnels: TUNNELS,
    identities: Object.fromEntries(HOSTS.map((host) => [host, Object.values(identity(host))])),
    asked: { vps: EVERYBODY, cabin: asked },
    claims: Object.fromEntries(wanted.map((name) => [name, claims[name]!.seen])),
  };
  try {
    writeFileSync(join(folder, "network.json"), JSON.stringify(network));
    for (const host of HOSTS) writeFileSync(join(folder, `${host}.bird`), bird(host, owners(host)));
    const watch = ospfRole(argsFor("vps", ownersFor("vps"))).files!;
    writeFileSync(join(folder, "vps.owners"), watch[OWNERS_FILE]!.content as string);
    writeFileSync(join(folder, "said"), watch[OWNERS_SCRIPT]!.content as string);
    for (const [name, { text }] of Object.entries(claims)) writeFileSync(join(folder, `office.${name}.bird`), text);
    const own = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const result = spawnSync("unshare", [...own, "python3", "-B", join(__dirname, "ospf-owners.py"), folder], {
      encoding: "utf8",
      timeout: 180_000,
      killSignal: "SIGKILL",
    });
    expect(result.stderr).toBe("");
    return JSON.parse(result.stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The claims that are made, without the lines of the script. */
const CLAIMS = ["home's own", "parts of it", "what is nobody's"];
const toHome = Object.keys(EVERYBODY).filter((what) => what.startsWith("home"));

describe("a host that announces what is another's", () => {
  let held: Played;

  testWith(
    "bird",
    "draws nothing where owners are known: equal, more specific, nobody's; at worst the owner is cut off",
    () => {
      held = play(ownersFor, [...CLAIMS, "home's own, as home"]);
      for (const host of ["vps", "cabin"]) {
        for (const claim of CLAIMS) {
          for (const what of [...toHome, "nobody's"])
            expect([host, claim, what, held[claim][host][what]]).not.toContain("wg-office");
          // The others are reached all the time, also who claims.
          expect(held[claim][host]["office"]).toBe("wg-office");
        }
        // A part of a network of home's takes nothing from the network.
        for (const what of toHome) expect(held["parts of it"][host][what]).toBe(held["honest"][host][what]);
        expect(held["home's own"][host]["home"]).toBe("unreachable");
      }
    },
    300_000,
  );

  testWith("bird", "under its number it draws nothing either at a host from which it lies on no way there", () => {
    for (const what of toHome) expect(held["home's own, as home"].vps[what]).not.toContain("wg-office");
  });

  testWith("bird", "the hub says who it is", () => {
    const claimed = (prefixes: readonly string[]) =>
      prefixes.map((prefix) => `WRONG office announces ${prefix}, which is home's`).sort();
    expect(held["honest, said"]).toEqual(["ok    every network is announced by its own host"]);
    expect(held["home's own, said"]).toEqual(claimed(HOME));
    expect(held["parts of it, said"]).toEqual(claimed(PARTS));
    expect(held["what is nobody's, said"]).toEqual(["WRONG office announces 10.25.0.0/24, which is nobody's"]);
  });

  testWith(
    "bird",
    "without owners it draws all of it (control)",
    () => {
      const open = play(() => undefined, CLAIMS);
      for (const host of ["vps", "cabin"]) {
        for (const what of toHome) expect([host, what, open["home's own"][host][what]]).toContain("wg-office");
        expect(open["parts of it"][host]["home's LAN"]).toBe("wg-office");
      }
    },
    300_000,
  );
});
