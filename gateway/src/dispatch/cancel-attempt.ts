import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { formatDuration } from "@nexus-mesh/sdk/protocol/duration";
import { decodeErrorResponse } from "@nexus-mesh/sdk/protocol/failure-response";
import { cancelPath } from "@nexus-mesh/sdk/protocol/path";
import type { HttpTarget } from "@nexus-mesh/registry/registry";
import type { GatewayContext } from "../gateway-context.ts";
import type { CallerIdentity } from "../identity/caller-identity.ts";
import { ExchangeFailed, exchange } from "./exchange.ts";
import { pathAt, targetAddress } from "./target-address.ts";
import { crashOnceSent } from "../crash-points.ts";

export interface CancelDispatch {
  readonly target: HttpTarget;
  readonly ownerNs: number;
  readonly callerNamespace: string;
  readonly endpoint: string;
  readonly principal: string;
  readonly service: string;
  readonly operation: string;
  readonly handlerToken: string;
  readonly timeoutMs: number;
}

/** `final`: the handler will not answer otherwise however often it is asked. */
export interface CancelAttempt {
  readonly result: "acknowledged" | "final" | "retry";
  readonly status: number | null;
  readonly error: string | null;
}

export type SendCancel = (dispatch: CancelDispatch) => Promise<CancelAttempt>;

export function createSendCancel(context: GatewayContext, identity: CallerIdentity): SendCancel {
  const { options, egress, crash } = context;
  const onSent = crashOnceSent(crash, "cancel:sent");
  return async (dispatch) => {
    const address = targetAddress(dispatch.target.url);
    const headers = {
      [headerNames.operationToken]: dispatch.handlerToken,
      [headerNames.requestTimeout]: formatDuration(dispatch.timeoutMs),
      [headerNames.failureSupport]: "true",
      [headerNames.callerIdentity]: await identity.token({
        callerNamespace: dispatch.callerNamespace,
        principal: dispatch.principal,
        endpoint: dispatch.endpoint,
        audience: dispatch.target.url,
      }),
    };
    try {
      const reply = await exchange({
        dispatcher: egress.dispatcher(dispatch.ownerNs),
        origin: address.origin,
        path: pathAt(address, cancelPath(dispatch.service, dispatch.operation)),
        headers,
        body: Buffer.alloc(0),
        timeoutMs: dispatch.timeoutMs,
        maxBytes: options.maxPayloadBytes,
        onSent,
      });
      if (reply.status === 202) {
        crash("cancel:acknowledged");
        return { result: "acknowledged", status: 202, error: null };
      }
      const decoded = decodeErrorResponse({
        status: reply.status,
        headers: reply.headers,
        body: reply.body,
      });
      const final = decoded.kind === "handler-error" && !decoded.retryable;
      const text =
        decoded.kind === "handler-error"
          ? `${decoded.type}: ${decoded.failure?.message ?? ""}`
          : `the handler answered ${reply.status}`;
      return { result: final ? "final" : "retry", status: reply.status, error: text.slice(0, 500) };
    } catch (error) {
      if (error instanceof ExchangeFailed)
        return { result: "retry", status: null, error: error.message.slice(0, 500) };
      throw error;
    }
  };
}
