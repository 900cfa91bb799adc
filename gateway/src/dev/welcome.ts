export interface Welcome {
  readonly url: string;
  readonly dataDir: string;
  readonly masterKeyPath: string;
  readonly contextsPath: string;
  readonly tokenIssued: boolean;
}

/** What `--dev` says once it is ready. Its three commands work as they are printed. */
export function welcome(found: Welcome): string {
  const context = found.tokenIssued ? "a new admin token was saved" : "its token is still valid";
  return [
    `Nexus Mesh listens on ${found.url} (development mode: this machine only)`,
    `API reference:  ${found.url}/docs`,
    `Data:           ${found.dataDir} (an embedded Postgres)`,
    `Master key:     ${found.masterKeyPath}`,
    `Egress:         namespace dev may call this machine's own addresses, plain http, any port`,
    `CLI context:    dev in ${found.contextsPath}, now the current one (${context})`,
    "",
    "Try it, each line in a terminal in this folder:",
    "",
    ...tryCommands(found.url).map((command) => `  ${command}`),
    "",
    "Ctrl-C stops everything; the data stay.",
    "",
  ].join("\n");
}

/** What the example assumes unless it is told otherwise. */
const usualUrl = "http://127.0.0.1:7400";

function tryCommands(url: string): readonly string[] {
  const elsewhere = url === usualUrl ? "" : `NEXUS_MESH_URL=${url} `;
  return [
    `${elsewhere}npx tsx examples/hello/handler.ts`,
    "npx nexus-mesh endpoint put hello --target http://127.0.0.1:7410/nexus --owner dev && npx nexus-mesh grant put hello --caller dev",
    `npx nexus-mesh operation start hello greeting hello --input '{"name":"World"}' --wait`,
  ];
}
