import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { renderNginxConfig } from "../../../components/denied-page/nginx";
import { renderDeniedPage } from "../../../components/denied-page/page";
import { renderSinkholeRules } from "../../../components/sinkhole/firewall";
import { nginxGuests } from "../../../components/sni-proxy/nginx";
import { renderWayBackRules, renderWayBackUnit } from "../../../components/sni-proxy/way-back";
import { testWith, withFiles } from "./checkers";
import { firewall, MAIL, services, WIKI } from "./guests";

/** What guests-packets.py saw. */
interface Seen {
  readonly ssh: boolean;
  readonly cells: Record<string, boolean>;
  readonly guests: Record<string, string | [string, boolean | string]>;
  /** Every connection that came to a service: its address, port, the peer's address and the first bytes. */
  readonly seen: [string, number, string, string][];
  readonly crowd: { "another guest": string; "turned away": number };
  readonly log: string;
}

function packets(lifted: "nothing" | "firewall" | "mark"): Seen {
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = {
    "nginx.conf": renderNginxConfig(undefined, nginxGuests(services)),
    "guests.nft": renderWayBackRules(services, "nginx"),
    "guests.service": renderWayBackUnit(),
    "firewall.nft": renderSinkholeRules(firewall),
    "denied.html": renderDeniedPage(),
  };
  return withFiles(files, (folder) => {
    const out = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "certificate.pem")];
    spawnSync("openssl", [...request, "-subj", "/CN=ACCESS DENIED", ...out]);
    const script = join(__dirname, "guests-packets.py");
    const result = spawnSync("unshare", ["--net", "--mount", "python3", "-B", script, folder, lifted], {
      encoding: "utf8",
      timeout: 170_000,
    });
    expect(result.stderr).toBe("");
    return JSON.parse(result.stdout) as Seen;
  });
}

/** What passes the sinkhole's filter; all else that guests-packets.py sends is dropped. */
const PASSING = [
  "visitor to a port of a service",
  "visitor to a port of another service",
  "visitor pings a service",
  "visitor to the host's page",
  "service to the Internet",
  "service to the Internet over UDP",
  "service to a service",
  "service to an identity",
  "identity to a service",
  "device to a service",
];

const GUEST = "64:ff9b:1::c633:6463";
const served = (address: string, port: number, guest = GUEST): string =>
  `HTTP/1.0 200 OK\r\n\r\n${address} ${port} saw ${guest}`;
const PAGE = ["HTTP/1.1 403", true];
const PLAIN_PAGE = ["HTTP/1.1 403 Forbidden", ""];

describe("guests and visitors, by packets", () => {
  testWith(
    "nginx",
    "the declared ports of published names and addresses, and nothing else",
    () => {
      const { ssh, cells, guests, seen, crowd, log } = packets("nothing");
      expect(Object.keys(cells).filter((what) => cells[what])).toEqual(PASSING);
      expect(ssh).toBe(false);
      expect(guests).toEqual({
        "a service": served(WIKI, 443),
        "a service at its own port": served(MAIL, 8883),
        "a service in capitals": served(WIKI, 443),
        "a service in segments of one byte": served(WIKI, 443),
        "a name that nobody has": PAGE,
        "no name": PAGE,
        "the domain": PAGE,
        "an internal service's name": PAGE,
        "the name of another port's service": PAGE,
        "a service's name at another port": PAGE,
        "a service's name over IPv6": PAGE,
        "an address as name": "TLS",
        "a target as name": "TLS",
        "an empty label": "TLS",
        "a dot at the end": "TLS",
        "segments of one byte": "TLS",
        "plain HTTP": "HTTP/1.1 403",
        "64 KiB": true,
        http: ["HTTP/1.1 308 Permanent Redirect", "Location: https://wiki.intranet.example/a?b=c"],
        "http, in capitals": ["HTTP/1.1 308 Permanent Redirect", "Location: https://wiki.intranet.example/"],
        "http, a name that nobody has": PLAIN_PAGE,
        "http, a service that is no web site": PLAIN_PAGE,
        "http, no name": PLAIN_PAGE,
        "http over IPv6": PLAIN_PAGE,
        "what an authority asks": ["HTTP/1.1 200 OK", expect.stringContaining(`${WIKI} 80 saw 2001:db8:1::1`)],
        "the same of a name that nobody has": PLAIN_PAGE,
        "the same by POST": PLAIN_PAGE,
        "a way out of its folder": [
          "HTTP/1.1 308 Permanent Redirect",
          expect.stringMatching(/^Location: https:\/\/wiki/),
        ],
        "more than a token": ["HTTP/1.1 308 Permanent Redirect", expect.stringMatching(/^Location: https:\/\/wiki/)],
      });
      expect(seen.map(([address, port, peer, first]) => [address, port, peer, first.slice(0, 45)])).toEqual([
        ...[WIKI, MAIL, WIKI, WIKI].map((address) => [address, address === MAIL ? 8883 : 443, GUEST, "TLS"]),
        [WIKI, 80, "2001:db8:1::1", "GET /.well-known/acme-challenge/a-token_1 HTT"],
      ]);
      expect(crowd["another guest"]).toBe(served(WIKI, 443, "64:ff9b:1::c633:6462"));
      expect(crowd["turned away"]).toBeGreaterThanOrEqual(300 - 256);
      expect(log).toMatch(/ 198\.51\.100\.99 443 "wiki\.intranet\.example" \[2001:db8:1:0:2::1\]:443 200 /);
    },
    180_000,
  );

  testWith(
    "nginx",
    "without the filter all of it passes, and what is no answer still reaches no program of the host",
    () => {
      const { ssh, cells } = packets("firewall");
      expect(Object.keys(cells).filter((what) => !cells[what])).toEqual([]);
      expect(ssh).toBe(false);
    },
    180_000,
  );

  testWith(
    "nginx",
    "a program of the host answers at a guest's address once every packet is delivered",
    () => {
      expect(packets("mark").ssh).toBe(true);
    },
    180_000,
  );
});
