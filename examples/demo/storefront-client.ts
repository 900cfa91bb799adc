import type { OperationEvent } from "@nexus-mesh/sdk/client";
import type { Tour } from "./contract.ts";

/** What storefront's process can be asked to do, so that the demo can tell the story in order. */
export type Request =
  | { readonly do: "columns"; readonly dataset: string }
  | { readonly do: "profile"; readonly dataset: string; readonly requestId: string }
  | { readonly do: "cancel"; readonly requestId: string }
  | { readonly do: "call without a grant"; readonly dataset: string }
  | { readonly do: "completions" }
  | { readonly do: "order a tour"; readonly dataset: string; readonly requestId: string }
  | { readonly do: "events"; readonly operationId: string }
  | { readonly do: "tour"; readonly operationId: string };

/** A completion that storefront received, verified and wrote down. */
export interface Completion {
  readonly operationId: string;
  readonly state: string;
  readonly rows: number | null;
  readonly columns: number | null;
}

export interface Answers {
  columns: { readonly columns: readonly string[] };
  profile: { readonly operationId: string };
  cancel: Record<string, never>;
  "call without a grant": { readonly refused: string | null };
  completions: { readonly completions: readonly Completion[] };
  "order a tour": { readonly operationId: string };
  events: { readonly events: readonly OperationEvent[] };
  tour: Tour;
}

export type Ask = <R extends Request>(request: R) => Promise<Answers[R["do"]]>;

export function storefrontAt(url: string): Ask {
  return async <R extends Request>(request: R) => {
    const response = await fetch(`${url}/ask`, { method: "POST", body: JSON.stringify(request) });
    const text = await response.text();
    if (!response.ok) throw new Error(`storefront could not ${request.do}: ${text}`);
    return JSON.parse(text) as Answers[R["do"]];
  };
}
