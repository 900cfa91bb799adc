import type { OperationError } from "nexus-rpc";
import { contentHeaders, isJson, type Content } from "./content.ts";
import {
  operationErrorOf,
  operationErrorFailureType,
  operationErrorToFailure,
  parseFailure,
  wrapperMark,
  type Failure,
} from "./failure.ts";
import { encodeFailure } from "./failure-response.ts";
import { headerNames } from "./headers.ts";
import { formatLink, MalformedLink, parseLinks, type Link } from "./links.ts";
import { formatHttpDate, formatRfc3339, parseHttpDate, parseRfc3339 } from "./timestamps.ts";

export interface CompletionFacts {
  readonly operationToken?: string | undefined;
  readonly startTime?: Date | undefined;
  readonly closeTime?: Date | undefined;
  readonly links?: readonly { readonly url: string | URL; readonly type: string }[] | undefined;
}

export type Completion = {
  readonly operationToken: string | undefined;
  readonly startTime: Date | undefined;
  readonly closeTime: Date | undefined;
  readonly links: readonly Link[];
} & (
  | {
      readonly state: "succeeded";
      readonly contentHeaders: Record<string, string>;
      readonly body: Uint8Array;
    }
  | {
      readonly state: "failed" | "canceled";
      readonly failure: Failure;
      readonly error: OperationError;
    }
);

/** What is wrong, in the reference's own words (protocol.md 1.8). */
export class MalformedCompletion extends Error {
  override readonly name = "MalformedCompletion";
}

/** Headers and body of a completion. The caller's own headers go before these, never over them (pitfall 21). */
export function encodeCompletion(
  outcome: { readonly content: Content } | { readonly error: OperationError },
  facts: CompletionFacts,
): { headers: Record<string, string>; body: Buffer } {
  const headers: Record<string, string> = {};
  let body: Buffer;
  if ("content" in outcome) {
    Object.assign(headers, outcome.content.headers);
    headers[headerNames.operationState] = "succeeded";
    body = Buffer.from(outcome.content.body);
  } else {
    headers["content-type"] = "application/json";
    headers[headerNames.operationState] = outcome.error.state;
    // The cause alone, unconditionally: a callback has no request whose support header could be asked.
    body = encodeFailure(operationErrorToFailure(outcome.error), { failureSupport: false });
  }
  if (facts.operationToken !== undefined)
    headers[headerNames.operationToken] = facts.operationToken;
  if (facts.startTime !== undefined)
    headers[headerNames.startTime] = formatHttpDate(facts.startTime);
  if (facts.closeTime !== undefined)
    headers[headerNames.closeTime] = formatRfc3339(facts.closeTime);
  if (facts.links !== undefined && facts.links.length > 0)
    headers[headerNames.link] = facts.links.map(formatLink).join(", ");
  return { headers, body };
}

/** @throws MalformedCompletion */
export function decodeCompletion(message: {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}): Completion {
  const { headers, body } = message;
  const startTime = readTime(headers[headerNames.startTime], parseHttpDate, "start");
  const closeTime = readTime(headers[headerNames.closeTime], parseRfc3339, "close");
  const facts = {
    operationToken: headers[headerNames.operationToken],
    startTime,
    closeTime,
    links: readLinks(headers[headerNames.link]),
  };
  const state = headers[headerNames.operationState] ?? "";
  if (state === "succeeded")
    return { ...facts, state, contentHeaders: contentHeaders(headers), body };
  if (state !== "failed" && state !== "canceled") {
    throw new MalformedCompletion(`invalid request operation state: ${JSON.stringify(state)}`);
  }
  const type = headers["content-type"];
  if (!isJson(type))
    throw new MalformedCompletion(`invalid request content type: ${JSON.stringify(type ?? "")}`);
  const failure = parseFailure(body);
  if (failure === undefined)
    throw new MalformedCompletion("failed to decode Failure from request body");
  return { ...facts, state, failure, error: operationErrorOf(state, wholeFailure(state, failure)) };
}

function wholeFailure(state: "failed" | "canceled", failure: Failure): Failure {
  if (failure.metadata?.["type"] === operationErrorFailureType) return failure;
  return {
    message: "nexus operation completed unsuccessfully",
    metadata: { type: operationErrorFailureType, ...wrapperMark },
    details: { state },
    cause: failure,
  };
}

function readTime(
  text: string | undefined,
  parse: (text: string) => Date | undefined,
  which: "start" | "close",
): Date | undefined {
  if (text === undefined || text === "") return undefined;
  const date = parse(text);
  if (date === undefined)
    throw new MalformedCompletion(`failed to parse operation ${which} time header`);
  return date;
}

function readLinks(value: string | undefined): Link[] {
  if (value === undefined) return [];
  try {
    return parseLinks([value]);
  } catch (error) {
    if (!(error instanceof MalformedLink)) throw error;
    throw new MalformedCompletion("failed to decode links from request headers", { cause: error });
  }
}
