/** What the rules of a site's host and of the sinkhole have in common. */
import { MADE_BY } from "./text";

/**
 * The head of a file with the project's own nftables table, up to its opening brace: loading the file replaces the whole table in one
 * transaction, and touches no other (nft(8): the first line makes a table to delete where there is none).
 */
export const REPLACE_TABLE: readonly string[] = [
  "#!/usr/sbin/nft -f",
  `# ${MADE_BY}`,
  "table inet intranet",
  "delete table inet intranet",
  "table inet intranet {",
];
