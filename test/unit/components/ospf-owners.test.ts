import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OspfArgs, OspfOwner } from "../../../components/ospf/args";
import { ospfRole } from "../../../components/ospf/roles";
import { BIRD_CONFIG } from "../../../components/ospf/render";
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
  const args: OspfArgs = {
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
  return (ospfRole(args).files![BIRD_CONFIG]!.content as string)
    .replace(/\{\{\w+\}\}/g, "a secret of sixteen")
    .replaceAll("hello 5;", "hello 1;")
    .replaceAll("dead 20;", "dead 4;");
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

/** Plays all of it once. */
function play(owners: (host: Host) => Record<string, OspfOwner> | undefined): Record<string, any> {
  const folder = mkdtempSync(join(tmpdir(), "ospf-owners-"));
  const claims = {
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
    claims: Object.fromEntries(Object.entries(claims).map(([name, { seen }]) => [name, seen])),
    suspect: "",
  };
  try {
    writeFileSync(join(folder, "network.json"), JSON.stringify(network));
    for (const host of HOSTS) writeFileSync(join(folder, `${host}.bird`), bird(host, owners(host)));
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

testWith(
  "bird",
  "x",
  () => {
    console.log(
      JSON.stringify(play(ownersFor), null, 1),
      JSON.stringify(
        play(() => undefined),
        null,
        1,
      ),
    );
  },
  300_000,
);
