// A Go that is new enough: the machine's own, or one that the Go module proxy hands to an older one.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { Failure } from "./failure.mjs";
import { lock, release } from "./lock.mjs";
import { cacheRoot, pins } from "./places.mjs";
import { ask, work } from "./run.mjs";

/** Node's and Go's names of the machine's architecture. @type {Record<string, string>} */
const architectures = { x64: "amd64", arm64: "arm64" };

/**
 * Compares dotted version numbers.
 * @param {string} left
 * @param {string} right
 * @returns {number} negative, zero or positive
 */
export function compareVersions(left, right) {
  const [a, b] = [left, right].map((text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0));
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Every Go on this machine: on PATH, where its own installer and Debian put it, and the one in our cache; INTRANET_GO instead of all. */
function candidates() {
  if (process.env.INTRANET_GO)
    return [process.env.INTRANET_GO, path.join(fetchedRoot(), "bin", "go")].filter((file) => existsSync(file));
  const debian = existsSync("/usr/lib") ? readdirSync("/usr/lib").filter((name) => /^go-1\.\d+$/.test(name)) : [];
  return [
    ...(process.env.PATH ?? "")
      .split(path.delimiter)
      .filter(Boolean)
      .map((folder) => path.join(folder, "go")),
    "/usr/local/go/bin/go",
    ...debian.map((name) => `/usr/lib/${name}/bin/go`),
    path.join(fetchedRoot(), "bin", "go"),
  ].filter((file) => existsSync(file));
}

/** Where the Go that we fetch lies. */
function fetchedRoot() {
  return path.join(cacheRoot, "go", pins.go.fetched);
}

/**
 * The newest Go of this machine with its version, or undefined when there is none.
 * @returns {{ file: string, version: string } | undefined}
 */
function newest() {
  return candidates()
    .map((file) => ({
      file,
      version: (ask(file, ["version"], { env: local() }) ?? "").match(/ go(\d+(?:\.\d+)*)/)?.[1] ?? "",
    }))
    .filter((found) => found.version !== "")
    .sort((a, b) => compareVersions(b.version, a.version))[0];
}

/** The environment in which a Go is itself and not one that it would download. */
function local() {
  return { ...process.env, GOTOOLCHAIN: "local" };
}

/**
 * A Go of at least the pinned minimum. Takes the machine's; else lets an older one fetch the pinned release through the
 * Go module proxy; else installs Debian's as root and does the same.
 * @returns {Promise<{ file: string, version: string, env: NodeJS.ProcessEnv }>} env: what its builds need
 * @throws {Failure} when no Go can be had, with what to install
 */
export async function findGo() {
  await lock("go");
  let found = newest();
  if (!found) {
    await installDebianGo();
    found = newest();
  }
  if (!found) throw lacking("there is none on this machine");
  if (compareVersions(found.version, pins.go.minimum) < 0) found = await fetchGo(found);
  release("go");
  return {
    ...found,
    env: { ...local(), GOROOT: undefined, CGO_ENABLED: "0", GOFLAGS: "-trimpath -buildvcs=false", GOWORK: "off" },
  };
}

/** Installs Debian's Go, which may be old: it only has to fetch the real one. */
async function installDebianGo() {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return;
  const file = path.join(import.meta.dirname, "../../bin/apt-install");
  await work({ title: "Go is missing: installing Debian's", log: "apt-install", file, args: ["golang-go"] });
}

/**
 * Fetches the pinned Go release as the module golang.org/toolchain (Go 1.21 and later do the same by themselves; older ones
 * know modules but not toolchains) and unpacks it as Go does: modes set, `_go.mod` given its name back.
 * @param {{ file: string, version: string }} bootstrap
 */
async function fetchGo(bootstrap) {
  const architecture = architectures[process.arch] ?? process.arch;
  const version = `v0.0.1-go${pins.go.fetched}.linux-${architecture}`;
  /** @type {string[]} */
  const lines = [];
  await work({
    title: `fetching Go ${pins.go.fetched} through the Go module proxy (Go ${bootstrap.version} is older than ${pins.go.minimum})`,
    log: "go",
    file: bootstrap.file,
    args: ["mod", "download", "-json", `golang.org/toolchain@${version}`],
    cwd: "/",
    env: local(),
    onLine: (line) => lines.push(line),
  }).catch((/** @type {Error} */ error) => {
    throw lacking(`Go ${bootstrap.version} could not fetch a newer one (\`go env GOPROXY\`): ${error.message}`);
  });
  const answer = lines.join("\n");
  const { Dir, Sum } = JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1));
  const pinned = pins.go.sums[architecture];
  if (pinned && Sum !== pinned)
    throw new Failure(
      `Go ${pins.go.fetched} from the module proxy has the checksum ${Sum}, not the pinned ${pinned}: it is not used`,
    );
  const root = fetchedRoot();
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(path.dirname(root), { recursive: true });
  cpSync(Dir, partial, { recursive: true });
  for (const relative of /** @type {string[]} */ (readdirSync(partial, { recursive: true }))) {
    const file = path.join(partial, relative);
    const program = relative.startsWith("bin/") || relative.startsWith("pkg/tool/");
    chmodSync(file, program || !path.extname(relative) ? 0o755 : 0o644);
    if (path.basename(relative) === "_go.mod") renameSync(file, path.join(path.dirname(file), "go.mod"));
  }
  rmSync(root, { recursive: true, force: true });
  renameSync(partial, root);
  return { file: path.join(root, "bin", "go"), version: pins.go.fetched };
}

/**
 * @param {string} why
 */
function lacking(why) {
  return new Failure(
    `Go ${pins.go.minimum} or newer is needed to build Pulumi's engine here: ${why}. Install Pulumi with its own installer ` +
      "(then nothing is built), or a Go from its own distribution or `apt-get install golang-go` (any Go since 1.16 can fetch the right one), and run this again",
    69,
  );
}
