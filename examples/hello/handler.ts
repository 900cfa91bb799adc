import { createServer } from "node:http";
import { createHandlerServer } from "@nexus-mesh/sdk/handler";
import { serviceHandler } from "nexus-rpc";
import { greeting } from "./contract.ts";

const { listener } = createHandlerServer({
  services: [
    serviceHandler(greeting, {
      hello: async (_ctx, { name }) => ({ greeting: `Hello, ${name}!` }),
    }),
  ],
  basePath: "/nexus",
  // Only what this gateway signed, and signed for this target, is served.
  trust: {
    gateway: process.env["NEXUS_MESH_URL"] ?? "http://127.0.0.1:7400",
    audience: "http://127.0.0.1:7410/nexus",
    endpoints: ["hello"],
  },
});

createServer(listener).listen(7410, "127.0.0.1", () => {
  console.log("greeting is served at http://127.0.0.1:7410/nexus");
});
