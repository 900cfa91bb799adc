import { createWorker, workerContext } from "@nexus-mesh/sdk/worker";
import { serviceHandler } from "nexus-rpc";
import { greeting } from "./contract.ts";

const token = process.env["MESH_TOKEN"];
if (token === undefined)
  throw new Error("set MESH_TOKEN: npx nexus-mesh token issue dev --role handler --subject worker");

const worker = createWorker({
  url: process.env["NEXUS_MESH_URL"] ?? "http://127.0.0.1:7400",
  token,
  namespace: "dev",
  queue: "greetings",
  services: [
    serviceHandler(greeting, {
      hello: async (ctx, { name }) => {
        const { heartbeat, caller } = workerContext(ctx);
        heartbeat({ step: 1, of: 1, message: `greeting ${name} for ${caller?.namespace ?? "?"}` });
        return { greeting: `Hello, ${name}!` };
      },
    }),
  ],
});

// Takes nothing new, ends what runs or gives it back, and exits.
process.once("SIGTERM", () => void worker.drain());
await worker.run();
process.exit(0);
