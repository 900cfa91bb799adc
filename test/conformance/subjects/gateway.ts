import { expect } from "vitest";
import { callbackHeadersOf, startMesh } from "../../engine/mesh.ts";
import { startScriptedHandler, type HandlerCall } from "../../harness/handler-server.ts";
import { waitFor } from "../../harness/wait-for.ts";
import {
  expectHeaders,
  expectMade,
  expectStart,
  expectText,
  type Recorded,
} from "../expectations.ts";
import { rawRequest } from "../raw-http.ts";
import { scriptedEnd, scriptedReply } from "../scripted-reply.ts";
import { startScriptedReceiver } from "../scripted-receiver.ts";
import type { Behaviour } from "../row.ts";
import type { Subject } from "../subject.ts";

interface Failure {
  readonly message?: string;
  readonly metadata?: { readonly type?: string; readonly "unwrap-error"?: string };
  readonly details?: { readonly type?: string };
  readonly cause?: Failure;
}

/** The gateway in all four roles: callers before it, a scripted handler and scripted receivers behind it. */
export async function startGatewaySubject(): Promise<Subject> {
  const mesh = await startMesh();
  const handler = await startScriptedHandler();
  const { store } = mesh.context;
  const endpoint = await mesh.endpoint(handler.url);
  const base = `${mesh.url}/nexus/endpoints/${endpoint}/services`;
  const authorization = ["authorization", `Bearer ${mesh.token("caller")}`] as const;
  const json = ["content-type", "application/json"] as const;
  let seenCalls = 0;

  const script = (behaviour: Behaviour): void => {
    seenCalls = handler.calls.length;
    handler.script((call, response) => {
      const reply = scriptedReply(behaviour, call);
      response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  };
  const newCalls = (): readonly HandlerCall[] => handler.calls.slice(seenCalls);
  const firstCall = (what: string): Promise<HandlerCall> => waitFor(what, () => newCalls()[0]);

  /** An operation s/op whose handler has answered 201 with `token`; its id and the call that the handler saw. */
  async function started(token: string, callback = ""): Promise<{ id: string; call: HandlerCall }> {
    script({ kind: "async", token });
    const answer = await rawRequest(`${base}/s/op${callback}`, {
      headers: [authorization, json],
      body: "1",
    });
    const call = await firstCall("the handler's start");
    return { id: (JSON.parse(answer.body) as { token: string }).token, call };
  }

  async function complete(call: HandlerCall): Promise<void> {
    const url = new URL(call.url, "http://handler").searchParams.get("callback") ?? "";
    const headers = Object.entries(callbackHeadersOf(call));
    const answer = await rawRequest(url, {
      headers: [...headers, json, ["nexus-operation-state", "succeeded"]],
      body: "1",
    });
    expect(answer.status, answer.body).toBe(200);
  }

  return {
    async startServer(row) {
      let { path, headers = [] } = row.request;
      const receiver = await startScriptedReceiver({ status: 200 });
      try {
        if (`${path}${JSON.stringify(headers)}`.includes("TOKEN")) {
          const { id } = await started("TOKEN");
          path = path.replace("TOKEN", id);
          headers = headers.map(([name, value]) => [name, value.replace("TOKEN", id)]);
        }
        const here = `${receiver.url}/here`;
        path = path.replace("CALLBACK", encodeURIComponent(here));
        script(row.handler ?? { kind: "echo" });
        const answer = await rawRequest(base + path, {
          ...row.request,
          headers: [authorization, ...headers],
        });
        let recorded: Recorded | undefined;
        const wanted = row.expect.seen;
        const call =
          wanted === null || wanted === undefined
            ? newCalls()[0]
            : await firstCall("the handler's call");
        if (call !== undefined) {
          recorded = recordedOf(call);
          if (wanted?.callbackUrl !== undefined) {
            await complete(call);
            const called = await waitFor("the callback", () => receiver.received[0]);
            recorded = {
              ...recorded,
              callbackUrl: called.url.replace("/here", "CALLBACK"),
            };
          }
        }
        expectStart(row, answer, recorded);
      } finally {
        await receiver.close();
      }
    },

    async startClient(row) {
      handler.script((_call, response) => {
        response.writeHead(row.reply.status, (row.reply.headers ?? []).flat()).end(row.reply.body);
      });
      const answer = await rawRequest(`${base}/s/op`, {
        headers: [authorization, json, ["prefer", "respond-async"]],
        body: "1",
      });
      const id = (JSON.parse(answer.body) as { token: string }).token;
      const head = await waitFor("the attempt's result", async () => {
        const found = await mesh.head(id);
        return found?.state === "scheduled" ? undefined : found;
      });
      expectMade(await madeOf(id, head.state, head.handlerToken), row.expect);
      // Else it would be tried again, and again, beside the rows to come; and so would its cancel.
      if (head.state === "backing_off" || head.state === "started") {
        handler.script({ status: 202 });
        await mesh.engine.terminate(id, "end of the row");
        await waitFor("its cancel to be delivered", async () => (await mesh.head(id))?.owes === 0);
      }
    },

    async completionReceiver(row) {
      const { id, call } = await started("t");
      const url = new URL(call.url, "http://handler").searchParams.get("callback") ?? "";
      for (const completion of row.completions) {
        const answer = await rawRequest(url, {
          headers: [...Object.entries(callbackHeadersOf(call)), ...completion.headers],
          body: completion.body,
        });
        expect(answer.status, answer.body).toBe(completion.status);
        if (completion.message !== undefined)
          expect(JSON.parse(answer.body)).toMatchObject({ message: completion.message });
      }
      const outcome = await store.outcome(id);
      if (row.outcome === undefined) {
        expect(outcome).toBeUndefined();
        return;
      }
      const made =
        outcome?.result === null
          ? messageOf(outcome.failure ?? Buffer.from("{}")) +
            causedBy(outcome.failure ?? Buffer.from("{}"))
          : (outcome?.result ?? Buffer.alloc(0)).toString();
      expect(`${outcome?.state ?? "none"}:${made}`).toBe(row.outcome);
    },

    async completionSender(row) {
      const receiver = await startScriptedReceiver(row.reply ?? { status: 200 });
      try {
        handler.script((_call, response) => {
          const reply = scriptedEnd(row.ended);
          response.writeHead(reply.status, reply.headers).end(reply.body);
        });
        const callback = encodeURIComponent(`${receiver.url}/callback${row.query ?? ""}`);
        const answer = await rawRequest(`${base}/s/op?callback=${callback}`, {
          headers: [
            authorization,
            json,
            ["prefer", "respond-async"],
            ...Object.entries(row.callbackHeaders ?? {}).map(
              ([name, value]) => [`nexus-callback-${name}`, value] as const,
            ),
          ],
          body: "1",
        });
        const id = (JSON.parse(answer.body) as { token: string }).token;
        const received = await waitFor("the completion", () => receiver.received[0]);
        expectHeaders(received.headers, row.expect?.headers ?? {});
        if (row.expect?.body !== undefined) expectText(received.body, row.expect.body, "body");
        if (row.expect?.query !== undefined)
          expect(received.url).toBe(`/callback${row.expect.query}`);
        if (row.then === "retried") {
          await waitFor("a second delivery", () => receiver.received[1]);
        } else if (row.then !== undefined) {
          const state = await waitFor(`the callback to be ${row.then}`, () => settledCallback(id));
          expect(state).toBe(row.then);
          expect(receiver.received).toHaveLength(1);
        }
      } finally {
        await receiver.close();
      }
    },

    async close() {
      await handler.close();
      await mesh.close();
    },
  };

  async function madeOf(id: string, state: string, token: string | null): Promise<string> {
    if (state === "started") return `started:${token ?? ""}`;
    if (state === "backing_off") {
      const [attempt] = await store.attempts(id);
      const error = attempt?.error ?? "";
      return error.includes("which no Nexus handler does")
        ? "unexpected"
        : `error:${error.split(":")[0] ?? ""}:retry`;
    }
    const outcome = await store.outcome(id);
    if (outcome?.state === "succeeded") return `value:${outcome.result?.toString() ?? ""}`;
    const failure = JSON.parse(outcome?.failure?.toString() ?? "{}") as Failure;
    return failure.metadata?.type === "nexus.HandlerError"
      ? `error:${failure.details?.type ?? ""}:final`
      : `${state}:${messageOf(outcome?.failure ?? Buffer.from("{}"))}`;
  }

  async function settledCallback(id: string): Promise<"delivered" | "refused" | undefined> {
    const head = await mesh.head(id);
    if (head === undefined || (head.owes & 1) !== 0) return undefined;
    const { items } = await store.callbacks({ namespaceId: null, states: [] }, 100, null);
    const own = items.filter((callback) => callback.id === id);
    if (own.some(({ state }) => state === "parked")) return "refused";
    return own.length === 0 ? "delivered" : undefined;
  }
}

/** Of the innermost: a cause alone was wrapped. */
function messageOf(failure: Buffer): string {
  const { message, metadata, cause } = JSON.parse(failure.toString()) as Failure;
  return (metadata?.["unwrap-error"] === "true" ? cause?.message : undefined) ?? message ?? "";
}

function recordedOf(call: HandlerCall): Recorded {
  const { pathname } = new URL(call.url, "http://handler");
  const [, , service = "", operation = ""] = pathname.split("/").map(decodeURIComponent);
  const headers = Object.fromEntries(
    Object.entries(call.headers).map(([name, value]) => [name, String(value)]),
  );
  return {
    service,
    operation,
    body: call.body.toString(),
    headers,
    ...(headers["nexus-operation-token"] === undefined
      ? {}
      : { token: headers["nexus-operation-token"] }),
  };
}

function causedBy(failure: Buffer): string {
  const { cause } = JSON.parse(failure.toString()) as Failure;
  return cause?.metadata?.type === "nexus.HandlerError"
    ? `, caused by ${cause.details?.type ?? ""}`
    : "";
}
