/**
 * The page from which devices take the root certificate, and Apple's profile. Pure; what depends on the certificate is
 * a placeholder.
 */
import { createHash } from "node:crypto";
import { lines, MADE_BY } from "../common/text";

/** Where the page's files lie on the authority's host. */
export const PAGE_FOLDER = "/srv/intranet-ca";
/** The files. */
export const PAGE_FILES = {
  index: `${PAGE_FOLDER}/index.html`,
  certificate: `${PAGE_FOLDER}/root.crt`,
  profile: `${PAGE_FOLDER}/root.mobileconfig`,
} as const;

/** What the page is about. */
export interface PageSubject {
  readonly organisation: string;
  readonly domain: string;
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** A constant UUID for a text, in the form of RFC 9562, version 8. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return parts.join("-").toUpperCase();
}

/** The values of the placeholders, from the root certificate and its fingerprint. */
export function pageValues(certificate: string, fingerprint: string): Record<string, string> {
  return {
    certificate,
    fingerprint,
    der: certificate.replace(/-----[^-]+-----|\s/g, ""),
    profile_uuid: uuidOf(`profile ${fingerprint}`),
    root_uuid: uuidOf(`root ${fingerprint}`),
  };
}

/** Apple's configuration profile with the root; placeholders `der`, `profile_uuid` and `root_uuid`. */
export function renderMobileConfig({ organisation, domain }: PageSubject): string {
  const identifier = domain.split(".").reverse().join(".");
  const name = `${escape(organisation)} root`;
  return lines(
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    "<dict>",
    "\t<key>PayloadContent</key>",
    "\t<array>",
    "\t\t<dict>",
    "\t\t\t<key>PayloadCertificateFileName</key>",
    "\t\t\t<string>root.crt</string>",
    "\t\t\t<key>PayloadContent</key>",
    "\t\t\t<data>{{der}}</data>",
    "\t\t\t<key>PayloadDisplayName</key>",
    `\t\t\t<string>${name}</string>`,
    "\t\t\t<key>PayloadIdentifier</key>",
    `\t\t\t<string>${identifier}.root.certificate</string>`,
    "\t\t\t<key>PayloadType</key>",
    "\t\t\t<string>com.apple.security.root</string>",
    "\t\t\t<key>PayloadUUID</key>",
    "\t\t\t<string>{{root_uuid}}</string>",
    "\t\t\t<key>PayloadVersion</key>",
    "\t\t\t<integer>1</integer>",
    "\t\t</dict>",
    "\t</array>",
    "\t<key>PayloadDescription</key>",
    `\t<string>Lets this device trust certificates for ${domain} and names below it, and for no other.</string>`,
    "\t<key>PayloadDisplayName</key>",
    `\t<string>${name}</string>`,
    "\t<key>PayloadIdentifier</key>",
    `\t<string>${identifier}.root</string>`,
    "\t<key>PayloadOrganization</key>",
    `\t<string>${escape(organisation)}</string>`,
    "\t<key>PayloadRemovalDisallowed</key>",
    "\t<false/>",
    "\t<key>PayloadType</key>",
    "\t<string>Configuration</string>",
    "\t<key>PayloadUUID</key>",
    "\t<string>{{profile_uuid}}</string>",
    "\t<key>PayloadVersion</key>",
    "\t<integer>1</integer>",
    "</dict>",
    "</plist>",
  );
}

/** A system and what is done on it, as list items of HTML. */
const STEPS: readonly (readonly [string, readonly string[]])[] = [
  [
    "iPhone and iPad",
    [
      'Open this page in Safari, load <a href="root.mobileconfig">the profile</a> and allow the download.',
      "Settings → <b>Profile Downloaded</b> → Install.",
      "Settings → General → About → <b>Certificate Trust Settings</b>: switch the root on. Without this switch the profile does nothing.",
    ],
  ],
  [
    "macOS",
    [
      'Load <a href="root.mobileconfig">the profile</a> and open it.',
      "System Settings → General → Device Management: open the profile and install it.",
      "Where it is not trusted yet: Keychain Access → System → the root → Trust → When using this certificate: <b>Always Trust</b>.",
    ],
  ],
  [
    "Android",
    [
      'Load <a href="root.crt">the certificate</a>; opening it is not enough.',
      "Settings → Security → More security settings → Encryption &amp; credentials → Install a certificate → <b>CA certificate</b> → Install anyway.",
      "Browsers use it; many other apps trust only what their makers allow. Android then says that the network may be monitored: see below what this root can do.",
    ],
  ],
  [
    "Windows",
    [
      'Load <a href="root.crt">the certificate</a> and open it → Install Certificate → Local Machine.',
      "<b>Place all certificates in the following store</b> → Trusted Root Certification Authorities.",
    ],
  ],
  [
    "Firefox, on any system",
    [
      "On Windows and macOS it uses the system's roots. Elsewhere: Settings → Privacy &amp; Security → Certificates → View Certificates → Authorities → Import.",
      'Choose <a href="root.crt">the certificate</a> → <b>Trust this CA to identify websites</b>.',
    ],
  ],
  [
    "Debian, Ubuntu",
    [
      'Load <a href="root.crt">the certificate</a> to <code>/usr/local/share/ca-certificates/</code>, its name ending in <code>.crt</code>.',
      "<code>sudo update-ca-certificates</code>",
    ],
  ],
  ["Fedora, Arch", ['Load <a href="root.crt">the certificate</a>.', "<code>sudo trust anchor root.crt</code>"]],
];

/** The page: what this root can do, its fingerprint, steps for each system. Placeholder `fingerprint`. */
export function renderPage({ organisation, domain }: PageSubject): string {
  const name = `${escape(organisation)} root`;
  const steps = STEPS.flatMap(([system, items]) => [
    `<h2>${system}</h2>`,
    "<ol>",
    ...items.map((item) => `<li>${item}</li>`),
    "</ol>",
  ]);
  return lines(
    "<!doctype html>",
    `<!-- ${MADE_BY} -->`,
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${name}</title>`,
    "<style>",
    "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }",
    "code { overflow-wrap: anywhere; }",
    "</style>",
    `<h1>${name}</h1>`,
    `<p>Services of <b>${domain}</b> show certificates that this root vouches for. A device that has it installed opens them without a warning.</p>`,
    '<p><a href="root.crt">Certificate (.crt)</a> · <a href="root.mobileconfig">Apple profile (.mobileconfig)</a></p>',
    "<p>SHA-256 fingerprint; compare it on the device with what your operator gave you by another way:</p>",
    "<p><code>{{fingerprint}}</code></p>",
    `<p>It can vouch for ${domain} and names below it, and for nothing else: no other name and no IP address.</p>`,
    ...steps,
    "</html>",
  );
}
