import { randomBytes, randomUUID } from "node:crypto";
import {
  HandlerError,
  HandlerStartOperationResult,
  OperationError,
  operation,
  service,
  serviceHandler,
  type OperationContext,
} from "nexus-rpc";
import { createCallbackReceiver } from "@nexus-mesh/sdk/callback-receiver";
import { createNexusClient } from "@nexus-mesh/sdk/client";
import { completeOperation, CompletionRefused } from "@nexus-mesh/sdk/complete-operation";
import { createHandlerServer } from "@nexus-mesh/sdk/handler";
import { failureToError } from "@nexus-mesh/sdk/protocol/failure";
import { completionId, headerDigest, signV1 } from "@nexus-mesh/sdk/protocol/webhook-signature";
import { expect } from "vitest";
import { serve } from "../../harness/handler-server.ts";
import {
  expectHeaders,
  expectMade,
  expectStart,
  expectText,
  type Recorded,
} from "../expectations.ts";
import { rawRequest } from "../raw-http.ts";
import type { Behaviour, Ended } from "../row.ts";
import type { Subject } from "../subject.ts";
import { startScriptedReceiver } from "../scripted-receiver.ts";

const callback = "http://callback.example/here";

/** The SDK's handler server, its handlers written as `nexus-rpc` has them. */
export const handlerServer: Subject = {
  async startServer(row) {
    let recorded: Recorded | undefined;
    const record = (ctx: OperationContext, more: Partial<Recorded>): void => {
      recorded = {
        service: ctx.service,
        operation: ctx.operation,
        headers: ctx.headers,
        ...more,
      };
    };
    const behaviour = row.handler ?? { kind: "echo" };
    const { service: name = "s", operation: wireName = "op" } = row.expect.seen ?? {};
    const contract = service(name, { op: operation<unknown, unknown>({ name: wireName }) });
    const handler = serviceHandler(contract, {
      op: {
        async start(ctx, input) {
          record(ctx, {
            body: textOf(input),
            ...(ctx.callbackUrl === undefined
              ? {}
              : { callbackUrl: ctx.callbackUrl.replace(callback, "CALLBACK") }),
          });
          if (behaviour.kind === "links") ctx.outboundLinks.push(...ctx.inboundLinks);
          return behave(behaviour, input);
        },
        async cancel(ctx, token) {
          record(ctx, { token });
        },
      },
    });
    const { listener } = createHandlerServer({
      services: [handler],
      trust: "dangerously-accept-anyone",
      onError: () => undefined,
    });
    const server = await serve(listener);
    try {
      const answer = await rawRequest(
        server.url + row.request.path.replace("CALLBACK", encodeURIComponent(callback)),
        { ...row.request, headers: row.request.headers ?? [] },
      );
      expectStart(row, answer, recorded);
    } finally {
      await server.close();
    }
  },
  close: () => Promise.resolve(),
};

/** The SDK's client against a scripted gateway. */
export const client: Subject = {
  async startClient(row) {
    const peer = await startScriptedReceiver(row.reply);
    try {
      const contract = service("s", { op: operation<unknown, unknown>() });
      const caller = createNexusClient({ url: peer.url, token: "t", retry: { attempts: 1 } });
      expectMade(
        await caller
          .service({ endpoint: "e", service: contract })
          .start("op", 1)
          .then(
            async (handle) =>
              row.reply.status === 201
                ? `started:${handle.operationId}`
                : `value:${textOf(await handle.result())}`,
            madeOfError,
          ),
        row.expect,
      );
    } finally {
      await peer.close();
    }
  },
  close: () => Promise.resolve(),
};

/** The SDK's callback receiver: what comes to it is signed, as the mesh signs. */
export const callbackReceiver: Subject = {
  async completionReceiver(row) {
    const secret = randomBytes(32);
    const outcomes: string[] = [];
    const receiver = createCallbackReceiver({
      secrets: [secret],
      onError: () => undefined,
      onCompletion: (completion) => {
        outcomes.push(
          completion.state === "succeeded"
            ? `succeeded:${Buffer.from(completion.body).toString()}`
            : `${completion.state}:${completion.error.message}${causedBy(completion.error)}`,
        );
      },
    });
    const server = await serve(receiver.listener);
    try {
      for (const completion of row.completions) {
        const token = randomUUID();
        const given = Object.fromEntries(completion.headers);
        const content = Object.fromEntries(
          completion.headers.filter(([name]) => name.startsWith("content-")),
        );
        const state = given["nexus-operation-state"];
        const id = completionId({
          operationId: token,
          n: 1,
          state: state === "failed" || state === "canceled" ? state : "succeeded",
          digest: headerDigest(token, content),
        });
        const timestamp = Math.floor(Date.now() / 1_000);
        const body = Buffer.from(completion.body);
        const answer = await rawRequest(`${server.url}/callback`, {
          headers: [
            ...completion.headers,
            ["nexus-operation-token", token],
            ["webhook-id", id],
            ["webhook-timestamp", String(timestamp)],
            ["webhook-signature", signV1(secret, id, timestamp, body)],
          ],
          body,
        });
        expect(answer.status, answer.body).toBe(completion.status);
        if (completion.message !== undefined)
          expect(JSON.parse(answer.body)).toMatchObject({ message: completion.message });
      }
      if (row.outcome !== undefined) expect(outcomes[0]).toBe(row.outcome);
      else expect(outcomes).toEqual([]);
    } finally {
      await server.close();
    }
  },
  close: () => Promise.resolve(),
};

/** `completeOperation` against a scripted receiver. */
export const completer: Subject = {
  async completionSender(row) {
    const receiver = await startScriptedReceiver(row.reply ?? { status: 200 });
    try {
      const done = await completeOperation(
        {
          callbackUrl: `${receiver.url}/callback${row.query ?? ""}`,
          callbackHeaders: row.callbackHeaders,
          operationToken: "token",
          startTime: new Date("2026-11-28T10:00:00Z"),
          closeTime: new Date("2026-11-28T10:00:01.5Z"),
        },
        row.ended.kind === "value"
          ? { result: row.ended.value }
          : { error: operationErrorOf(row.ended) },
        { attempts: 2, firstDelayMs: 1 },
      ).then(
        () => "delivered",
        (error: unknown) => (error instanceof CompletionRefused ? "refused" : "retried"),
      );
      if (row.then !== undefined) {
        expect(done).toBe(row.then);
        expect(receiver.received).toHaveLength(row.then === "retried" ? 2 : 1);
      }
      const [received] = receiver.received;
      expectHeaders(received?.headers ?? {}, row.expect?.headers ?? {});
      if (row.expect?.body !== undefined) expectText(received?.body, row.expect.body, "body");
      if (row.expect?.query !== undefined)
        expect(received?.url).toBe(`/callback${row.expect.query}`);
    } finally {
      await receiver.close();
    }
  },
  close: () => Promise.resolve(),
};

function behave(behaviour: Behaviour, input: unknown) {
  switch (behaviour.kind) {
    case "echo":
      return HandlerStartOperationResult.sync(input);
    case "value":
      return HandlerStartOperationResult.sync(behaviour.value);
    case "links":
    case "cancel-accepted":
      return HandlerStartOperationResult.sync(1);
    case "async":
      return HandlerStartOperationResult.async(behaviour.token);
    case "handler-error":
      throw new HandlerError(behaviour.type as "INTERNAL", behaviour.message, {
        ...(behaviour.retryable === undefined ? {} : { retryableOverride: behaviour.retryable }),
        ...(behaviour.cause === undefined ? {} : { cause: failureToError(behaviour.cause) }),
      });
    case "operation-error":
      throw operationErrorOf({ ...behaviour, kind: behaviour.state });
    case "throws":
      throw new Error(behaviour.text);
  }
}

function operationErrorOf(ended: Exclude<Ended, { kind: "value" }>): OperationError {
  return new OperationError(
    ended.kind,
    ended.message,
    ended.cause === undefined ? {} : { cause: failureToError(ended.cause) },
  );
}

function causedBy({ cause }: Error): string {
  return cause instanceof HandlerError ? `, caused by ${cause.rawErrorType}` : "";
}

function madeOfError(error: unknown): string {
  if (error instanceof OperationError) return `${error.state}:${error.message}`;
  if (!(error instanceof HandlerError)) throw error;
  if (error.message.includes("which no Nexus gateway does")) return "unexpected";
  return `error:${error.rawErrorType}:${error.retryable ? "retry" : "final"}`;
}

function textOf(value: unknown): string {
  if (value === undefined) return "";
  return value instanceof Uint8Array ? Buffer.from(value).toString() : JSON.stringify(value);
}
