import { states, statesChangedBy } from "../operations/lifecycle.ts";
import { inStates, openCodes } from "./state-guards.ts";
import { owes } from "./store.ts";

// Of a row of `head` that is called h.
export const takable = inStates("h.state", statesChangedBy("worker_took"));
export const owesCancel = `h.owes & ${owes.cancel} <> 0 and h.handler_token is not null`;
// Of an operation that has ended, once nothing else is owed: a claim's fence would refuse the note that its callback
// was delivered.
export const claimable = `(${takable} or (${owesCancel} and (${inStates("h.state", openCodes)} or h.owes = ${owes.cancel})))`;
/** Held by a worker that has not answered. */
export const heldByWorker = `h.state = ${states.started} and h.handler_token is null`;
