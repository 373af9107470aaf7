/** What is shown to everybody, the ACCESS DENIED page, and its certificate. Pure. */
import { deniedCertificate, hasDeniedCertificate } from "../common/denied-certificate";
import { SANDBOX } from "../common/hardening";
import { lines, MADE_BY } from "../common/text";
import { OPEN_FILES } from "./limits";

/** Where the page lies. */
export const PAGE = "/var/www/intranet-denied/denied.html";
/** The unit that makes the certificate when there is none. */
export const CERTIFICATE_UNIT = "intranet-denied-certificate.service";
/** Where certificate and key lie; made on the host, the key never leaves it. */
export const CERTIFICATE_FOLDER = "/var/lib/intranet-denied";
/** Lets the web server start after its certificate exists. */
export const NGINX_DROP_IN = "/etc/systemd/system/nginx.service.d/intranet.conf";

/** The page: self-contained, no script, no picture from elsewhere, and no word about what lies behind. */
export function renderDeniedPage(): string {
  return lines(
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="robots" content="noindex">',
    "<title>ACCESS DENIED</title>",
    "<style>",
    ":root { color-scheme: dark; }",
    "* { margin: 0; box-sizing: border-box; }",
    "body { min-height: 100vh; display: grid; place-items: center; padding: 2rem; background: #0b0d10 radial-gradient(circle at 50% 30%, #2a0d12, #0b0d10 65%); color: #e8e6e3; font: 1.05rem/1.6 ui-monospace, Menlo, Consolas, monospace; }",
    "main { max-width: 38rem; text-align: center; }",
    ".sign { width: 5.5rem; height: 5.5rem; margin: 0 auto 1.75rem; border: .6rem solid #e5484d; border-radius: 50%; display: grid; place-items: center; }",
    '.sign::before { content: ""; width: 2.9rem; height: .65rem; background: #e5484d; border-radius: .2rem; }',
    "h1 { font-size: clamp(2rem, 9vw, 3.6rem); line-height: 1.1; letter-spacing: .06em; color: #ff6369; }",
    "p { margin-top: 1.25rem; color: #a8a5a0; }",
    "</style>",
    "</head>",
    "<body>",
    "<main>",
    '<div class="sign"></div>',
    "<h1>ACCESS DENIED</h1>",
    "<p>You have been blocked. This name belongs to a private network, and you are outside of it.</p>",
    "<p>If you are allowed in, switch your tunnel on and try again.</p>",
    "</main>",
    "</body>",
    "</html>",
  );
}

/** Lets nginx start only after its certificate, and after `more` units that it can do without for a while. */
export function renderNginxDropIn(more: readonly string[] = []): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    `Requires=${CERTIFICATE_UNIT}`,
    more.length > 0 ? `Wants=${more.join(" ")}` : [],
    `After=${[CERTIFICATE_UNIT, ...more].join(" ")}`,
    "",
    "[Service]",
    `LimitNOFILE=${OPEN_FILES}`,
    // Logs name visitors; those that are there already are closed to others too.
    "UMask=0027",
    "ExecStartPre=-/bin/sh -c 'chmod -f o= /var/log/nginx/*.log'",
    // Root binds the ports and reads the key; workers are www-data, and speak from guests' addresses.
    "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_KILL CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_SETGID CAP_SETUID CAP_SYS_RESOURCE",
    SANDBOX,
    "ProtectSystem=full",
  );
}

/**
 * Makes a self-signed certificate on the host when there is none of its kind: CN ACCESS DENIED, no other name. It
 * chains to nothing, so no device that trusts the internal authority takes this host for a service, or sends it a
 * cookie.
 */
export function renderCertificateUnit(): string {
  const folder = CERTIFICATE_FOLDER;
  const request = deniedCertificate(`${folder}/key.pem`, `${folder}/certificate.new`);
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=Self-signed certificate of the ACCESS DENIED page",
    "Before=nginx.service",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    "UMask=0077",
    `ExecStart=/bin/sh -c '${hasDeniedCertificate(`${folder}/certificate.pem`)} || { ${request} && mv ${folder}/certificate.new ${folder}/certificate.pem; }'`,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}
