import type { OperationEvent, StateEvent } from "@nexus-mesh/sdk/client";
import { until } from "./child.ts";
import { say } from "./narrate.ts";
import type { Ask } from "./storefront-client.ts";

export interface Followed {
  /** Tells what storefront hears of the operation, as it comes, up to the event that is waited for. */
  upTo(what: string, matches: (event: OperationEvent) => boolean): Promise<OperationEvent>;
  /** How often somebody took it. */
  taken(): number;
}

export function follow(storefront: Ask, operationId: string): Followed {
  const told: OperationEvent[] = [];
  return {
    upTo: (what, matches) =>
      until(what, async () => {
        const { events } = await storefront({ do: "events", operationId });
        for (const event of events.slice(told.length)) {
          told.push(event);
          say(`  … ${inWords(event)}`);
          if (matches(event)) return event;
        }
        return undefined;
      }),
    taken: () => told.filter((event) => event.type === "state" && event.state === "started").length,
  };
}

const states = {
  scheduled: "it is accepted",
  started: "somebody has it",
  backing_off: "it shall be tried again",
  parked: "it is set aside",
} as const satisfies Record<StateEvent["state"], string>;

function inWords(event: OperationEvent): string {
  switch (event.type) {
    case "state":
      return states[event.state];
    case "attempt":
      return event.error === null
        ? `attempt ${event.n} was answered`
        : `attempt ${event.n} came to nothing: ${event.error}`;
    case "blocked":
      return event.message === null ? "it waits no longer" : `it ${event.message}`;
    case "progress":
      return `step ${event.step ?? "?"} of ${event.of ?? "?"}: ${event.message ?? ""}`;
    case "outcome":
      return `it has ${event.state}`;
  }
}
