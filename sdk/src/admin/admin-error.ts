import type { components } from "@nexus-mesh/openapi/types";
import type { HttpReply } from "../http-exchange.ts";

type Problem = components["schemas"]["Problem"];

/** The API refused; `code` is one of the README's table of error codes, `errors` say what was wrong and where. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  readonly code: string;
  readonly status: number;
  readonly hint: string | undefined;
  readonly errors: NonNullable<Problem["errors"]>;
  readonly retryable: boolean;
  /** The whole problem document (RFC 9457), with members such as `currentVersion`. */
  readonly problem: Problem | undefined;

  constructor(reply: HttpReply) {
    const problem = problemOf(reply);
    super(problem?.detail ?? problem?.title ?? `the gateway answered ${reply.status}`);
    this.code = problem?.code ?? "INTERNAL";
    this.status = reply.status;
    this.hint = problem?.hint;
    this.errors = problem?.errors ?? [];
    this.retryable = problem?.retryable ?? reply.status >= 500;
    this.problem = problem;
  }
}

function problemOf(reply: HttpReply): Problem | undefined {
  // Plain JSON where the gateway could not read the request, and so not know who asks: a problem and a Failure in one.
  if (!/^application\/(problem\+)?json\b/.test(reply.headers["content-type"] ?? ""))
    return undefined;
  try {
    const body = JSON.parse(reply.body.toString()) as Problem | null;
    return typeof body?.code === "string" ? body : undefined;
  } catch {
    // Something in between cut or rewrote it: its status still tells.
    return undefined;
  }
}
