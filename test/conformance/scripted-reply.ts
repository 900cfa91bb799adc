import type { Behaviour, Ended } from "./row.ts";

interface Call {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | Buffer;
}

const json = { "content-type": "application/json" };
const statuses: Readonly<Record<string, number>> = {
  BAD_REQUEST: 400,
  UNAUTHENTICATED: 401,
  UNAUTHORIZED: 403,
  NOT_FOUND: 404,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  NOT_IMPLEMENTED: 501,
  UNAVAILABLE: 503,
  UPSTREAM_TIMEOUT: 520,
};

/** What the reference's handler answers, written down here once more so that no codec of ours is its own witness. */
export function scriptedReply(behaviour: Behaviour, call: Call): Reply {
  const whole = call.headers["temporal-nexus-failure-support"] === "true";
  switch (behaviour.kind) {
    case "echo": {
      const type = call.headers["content-type"];
      return {
        status: 200,
        headers: typeof type === "string" ? { "content-type": type } : { "content-length": "0" },
        body: call.body,
      };
    }
    case "value":
      return scriptedEnd({ kind: "value", value: behaviour.value });
    case "links":
      return {
        status: 200,
        headers: { ...json, "nexus-link": String(call.headers["nexus-link"]) },
        body: "1",
      };
    case "async":
      return {
        status: 201,
        headers: json,
        body: JSON.stringify({ token: behaviour.token, state: "running" }),
      };
    case "cancel-accepted":
      return { status: 202, headers: {}, body: "" };
    case "throws":
      return { status: 500, headers: json, body: '{"message":"internal server error"}' };
    case "handler-error": {
      const { type, message, retryable, cause } = behaviour;
      const override = retryable === undefined ? {} : { retryableOverride: retryable };
      const failure = {
        message,
        metadata: { type: "nexus.HandlerError" },
        details: { type, ...override },
        cause,
      };
      return {
        status: statuses[type] ?? 500,
        headers: {
          ...json,
          ...(retryable === undefined ? {} : { "nexus-request-retryable": String(retryable) }),
        },
        body: JSON.stringify(whole ? failure : (cause ?? failure)),
      };
    }
    case "operation-error": {
      const { state, message, cause } = behaviour;
      const reply = scriptedEnd({
        kind: state,
        message,
        ...(cause === undefined ? {} : { cause }),
      });
      return whole || cause === undefined ? reply : { ...reply, body: JSON.stringify(cause) };
    }
  }
}

/** A synchronous end with its failure whole, as for a caller that supports them. */
export function scriptedEnd(ended: Ended): Reply {
  if (ended.kind !== "value") {
    const { kind: state, message, cause } = ended;
    return {
      status: 424,
      headers: { ...json, "nexus-operation-state": state },
      body: JSON.stringify({
        message,
        metadata: { type: "nexus.OperationError" },
        details: { state },
        cause,
      }),
    };
  }
  const { value } = ended;
  if (value === undefined) return { status: 200, headers: { "content-length": "0" }, body: "" };
  if (value instanceof Uint8Array)
    return {
      status: 200,
      headers: { "content-type": "application/octet-stream" },
      body: Buffer.from(value),
    };
  return { status: 200, headers: json, body: JSON.stringify(value) };
}
