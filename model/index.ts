/** The model: addresses, prefixes, names, topology and exposure of an intranet. Pure: no Pulumi, no I/O. */
export * from "./constants";
export * from "./checks";
export * from "./errors";
export * from "./exposure";
export * from "./id";
export * from "./intranet";
export * from "./key";
export * from "./links";
export * from "./name";
export * from "./plan";
export * from "./prefix";
export * from "./shape";
export * from "./space";
export * from "./spec";
export * from "./topology";
