/** The unit that takes a root into the system's trust store. Pure. */
import { lines, MADE_BY } from "../common/text";

/** The certificate that is managed. */
export const TRUSTED_ROOT = "/etc/intranet/root.crt";
/** The unit that does it. */
export const TRUST_UNIT = "intranet-trust.service";
/** Where update-ca-certificates(8) looks for local ones. */
const LOCAL = "/usr/local/share/ca-certificates/intranet-root.crt";

/**
 * Stopping it takes the root out again, which a role does before its files go. It is not stopped at shutdown, so a boot
 * finds the store as it was. Only `--fresh` also takes out the links that lead nowhere then.
 */
export function renderTrustUnit(): string {
  return lines(
    `# ${MADE_BY}`,
    "[Unit]",
    "Description=Root certificate of the intranet in the trust store",
    "DefaultDependencies=no",
    "After=local-fs.target",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    `ExecStart=/usr/bin/install -D -m 0644 ${TRUSTED_ROOT} ${LOCAL}`,
    "ExecStart=/usr/sbin/update-ca-certificates",
    `ExecReload=/usr/bin/install -D -m 0644 ${TRUSTED_ROOT} ${LOCAL}`,
    "ExecReload=/usr/sbin/update-ca-certificates",
    `ExecStop=/bin/rm -f ${LOCAL}`,
    "ExecStop=/usr/sbin/update-ca-certificates --fresh",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}
