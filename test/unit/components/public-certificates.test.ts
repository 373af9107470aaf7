/**
 * The proxy's own configuration at work: Caddy, an internal and a public authority, a handshake and a request of every
 * kind.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import * as render from "../../../components/reverse-proxy/render";
import { testWith, withFiles } from "./checkers";

jest.setTimeout(900_000);

const [listen, blog, wiki] = ["10.31.240.1", "2001:db8:1:0:1::7", "2001:db8:1:0:1::8"];
const site = (name: string, port: number, own?: string): render.ProxySite => ({
  hostnames: [`${name}.intranet.example`],
  upstream: `127.0.0.1:${port}`,
  ...(own === undefined ? {} : { public: true, listen: [own] }),
});
const caddyfile = (...more: render.ProxySite[]): string =>
  render.renderCaddyfile({
    listen: [listen],
    sites: [site("nextcloud", 8080), site("blog", 8090, blog), ...more],
    certificates: { directory: "https://localhost:14000/dir", renewInterval: "2s" },
    publicCertificates: { directory: "https://localhost:14001/dir", ownRoot: true },
  });

/** What the script saw, with Caddy as the proxy's role has it. */
function seen(): Record<string, unknown> {
  const files = {
    "settings.json": JSON.stringify({
      ...{ listen, blog, wiki, proxyRoot: render.PROXY_ROOT, publicRoot: render.PUBLIC_ROOT },
    }),
    "first.caddyfile": caddyfile(),
    "second.caddyfile": caddyfile(site("wiki", 8091, wiki)),
    "caddy.conf": render.renderCaddyDropIn(true),
  };
  return withFiles(files, (folder) => {
    const script = join(__dirname, "public-certificates.py");
    const argv = [
      "--net",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "python3",
      "-B",
      script,
      folder,
    ];
    const { status, stdout, stderr } = spawnSync("unshare", argv, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  });
}

testWith("pebble", "both authorities certify, each its own, and a service's address answers for it alone", () => {
  const denied = "subject=CN=ACCESS DENIED";
  const nothing = { status: 404, location: "", body: "Nothing of that name is served here." };
  const result = seen();
  // No certificate yet, and all else works; it comes by itself once the authority is there, by either challenge, and is
  // renewed.
  expect(result["internal, while the public authority is down"]).toBe(200);
  expect(result["public, while the authority is down"]).toBeNull();
  // Whoever asks for another name there cannot tell one of the intranet's from one that nobody has.
  expect(result["shown at blog's own address"]).toEqual({
    "blog.intranet.example": expect.not.stringContaining("DENIED"),
    "wiki.intranet.example": denied,
    "nextcloud.intranet.example": denied,
    "other.intranet.example": denied,
    "": denied,
  });
  expect(result["answered there over https"]).toEqual({
    "blog.intranet.example": 200,
    "wiki.intranet.example": 404,
    "nextcloud.intranet.example": 404,
    "other.intranet.example": 404,
  });
  expect(result["answered there over http"]).toEqual({
    "blog.intranet.example": { status: 308, location: "https://blog.intranet.example/a?b", body: "" },
    "wiki.intranet.example": nothing,
    "nextcloud.intranet.example": nothing,
    "other.intranet.example": nothing,
    [`[${blog}]`]: nothing,
  });
  expect(result["another host in blog's handshake"]).toBe(404);
  const guest = "64:ff9b:1::c633:6496";
  expect(result["what blog hears"]).toEqual({ port: 8090, for: [guest], real: guest });
  expect(result["inside"]).toEqual({ blog: 8090, wiki: 8091, nextcloud: 8080 });
  expect(result["at wiki's own address"]).toBe(8091);
});
