/** The version that this stand-in was made for, put in by the bundler. */
declare const PLUGIN_VERSION: string;
