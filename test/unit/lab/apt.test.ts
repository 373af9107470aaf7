import { machineCodename, parseDeb822, parseOneLine, sourcesFor } from "../../../lab/images/apt";

const DEB822 = `Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
  http://second.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
`;

test("deb822: every URI with every suite, disabled stanzas and source packages left out", () => {
  expect(parseDeb822(DEB822)).toEqual([
    { uri: "http://mirror.example/debian", suite: "bookworm" },
    { uri: "http://mirror.example/debian", suite: "bookworm-updates" },
    { uri: "http://second.example/debian", suite: "bookworm" },
    { uri: "http://second.example/debian", suite: "bookworm-updates" },
    { uri: "http://mirror.example/security", suite: "bookworm-security" },
  ]);
});

test("one-line style: options in brackets, comments, source packages", () => {
  const text =
    "# deb http://no.example/debian bookworm main\ndeb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main contrib\ndeb-src http://a.example/debian bookworm main\n";
  expect(parseOneLine(text)).toEqual([{ uri: "http://a.example/debian", suite: "bookworm" }]);
});

test("the lab's sources are the machine's archive with the lab's suite, the first mirror of each part", () => {
  expect(sourcesFor(parseDeb822(DEB822), "bookworm", "trixie")).toEqual([
    { uri: "http://mirror.example/debian", suite: "trixie" },
    { uri: "http://mirror.example/debian", suite: "trixie-updates" },
    { uri: "http://mirror.example/security", suite: "trixie-security" },
  ]);
});

test("a machine without a source of its release is told what to add", () => {
  expect(() => sourcesFor([{ uri: "http://x.example", suite: "stable" }], "bookworm")).toThrow(
    /no apt source of Debian bookworm.*sources\.list\.d/,
  );
});

test("only Debian will do", () => {
  expect(machineCodename('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_CODENAME=trixie\nID=debian\n')).toBe(
    "trixie",
  );
  expect(() => machineCodename('PRETTY_NAME="Fedora Linux 42"\nID=fedora\n')).toThrow(
    /Debian 12 or 13; this machine says Fedora Linux 42/,
  );
});
