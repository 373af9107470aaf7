// Three projects: `unit` (pure, no lab), `component` (Pulumi mocks) and `lab` (a real `pulumi up`, real packets).
const common = {
  testEnvironment: "node",
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
  modulePathIgnorePatterns: ["<rootDir>/dist/"],
};
module.exports = {
  testSequencer: "<rootDir>/test/sequencer.js",
  projects: [
    { ...common, displayName: "unit", testMatch: ["<rootDir>/test/unit/**/*.test.ts"] },
    { ...common, displayName: "component", testMatch: ["<rootDir>/test/component/**/*.test.ts"] },
    {
      ...common,
      displayName: "lab",
      testMatch: ["<rootDir>/test/lab/**/*.test.ts"],
      testEnvironment: "<rootDir>/test/lab/environment.ts",
    },
  ],
};
