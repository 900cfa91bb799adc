import { createWorker } from "@nexus-mesh/sdk/worker";
import { serviceHandler } from "nexus-rpc";
import { delivery } from "./contract.ts";
import { planTour } from "./plan-tour.ts";
import { setting } from "./setting.ts";

/** A process of the team behind a firewall: it listens nowhere, and asks the mesh for work. */
const worker = createWorker({
  url: setting("MESH_URL"),
  token: setting("TOKEN"),
  namespace: "fulfilment",
  queue: "tours",
  services: [serviceHandler(delivery, { planTour })],
  // Short, so that nobody has to watch the lease of a dead worker for half a minute.
  leaseMs: 2_000,
  name: setting("WORKER"),
});
process.once("SIGTERM", () => void worker.drain());
const run = worker.run();
console.log("ready");
await run;
process.exit(0);
