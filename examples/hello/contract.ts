import { operation, service } from "nexus-rpc";

/** The contract: shared by the team that serves it and the teams that call it. */
export const greeting = service("greeting", {
  hello: operation<{ name: string }, { greeting: string }>(),
});
