import type { operations } from "@nexus-mesh/openapi/types";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Caller } from "../../identity/principal.ts";
import { states, type State } from "../../operations/lifecycle.ts";
import type { ListFilter } from "../../store/store.ts";
import { findEndpoint, findNamespace } from "./lookup.ts";

type Query = NonNullable<operations["listOperations"]["parameters"]["query"]>;

export function readFilter(context: GatewayContext, caller: Caller, query: Query): ListFilter {
  return {
    view: query.view ?? "made",
    // A mesh-wide token that acts for nobody sees all.
    namespaceId: caller.namespace?.id ?? null,
    states: query.state === undefined ? [] : query.state.split(",").filter(isState),
    endpointId: query.endpoint === undefined ? null : findEndpoint(context, query.endpoint).id,
    callerNs: query.caller === undefined ? null : findNamespace(context, query.caller).id,
    service: query.service ?? null,
    operation: query.operation ?? null,
    after: query.after === undefined ? null : Date.parse(query.after),
    before: query.before === undefined ? null : Date.parse(query.before),
  };
}

function isState(text: string): text is State {
  return Object.hasOwn(states, text);
}
