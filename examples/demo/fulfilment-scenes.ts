import { follow } from "./follow.ts";
import { chapter, holds, say } from "./narrate.ts";
import type { Stage } from "./stage.ts";

const order = { dataset: "us-state-capitals.json", requestId: "order-6" };

/** The third team has no open port: its endpoint points at a queue, and its workers come and ask. */
export async function playFulfilment(stage: Stage): Promise<void> {
  const { storefront, mesh } = stage;
  chapter("A team behind a firewall: nobody of it is at work yet");
  const { operationId } = await storefront({ do: "order a tour", ...order });
  say(`storefront orders a delivery tour from fulfilment, accepted as ${operationId}, and watches`);
  const tour = follow(storefront, operationId);
  await tour.upTo("that it waits", (event) => event.type === "blocked");
  const { depth, workers } = await mesh.queue("fulfilment", "tours");
  holds(
    "it waits in fulfilment's queue, and nobody polls there",
    depth === 1 && workers.length === 0,
  );

  chapter("A worker starts, and is killed in the middle of its third step");
  const first = await stage.startFulfilment("worker-1");
  say(`worker-1 is process ${first.pid}; it listens nowhere, it asks the mesh for work`);
  await tour.upTo("the third step", (event) => event.type === "progress" && event.step === 3);
  await first.kill("SIGKILL");
  say(`worker-1 got SIGKILL, without a word to the mesh`);
  const second = await stage.startFulfilment("worker-2");
  say(`worker-2 is process ${second.pid}; the task is worker-1's until its lease of 2 s is over`);
  const end = await tour.upTo("how it ended", (event) => event.type === "outcome");
  holds("it succeeded all the same", end.type === "outcome" && end.state === "succeeded");
  const { attempts, worker } = await mesh.operation("storefront", operationId);
  holds(
    "worker-2 did it anew, after worker-1 and not beside it",
    attempts === 2 && worker === "worker-2" && tour.taken() === 2,
  );
  const { stops, draftKm, km } = await storefront({ do: "tour", operationId });
  say(`${stops.slice(0, 4).join(", ")}, …: ${km} km instead of ${draftKm} km`);
  holds("the tour leads to all 50 capitals, once to each", new Set(stops).size === 50);
}
