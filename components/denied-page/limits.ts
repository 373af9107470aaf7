/** What nginx may hold, and one visitor of it. Pure. */

/** Connections of one visitor: room for many people behind one router, and a small part of what nginx can hold. */
export const CONNECTIONS_EACH = 256;

/** Open files of a worker: two for each connection that it passes on, and some for itself. */
export const OPEN_FILES = 32_768;
