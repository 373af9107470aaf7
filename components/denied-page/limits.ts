/** What nginx may hold. Pure. */

/** Open files of a worker: two for each connection that it passes on, and some for itself. */
export const OPEN_FILES = 32_768;
