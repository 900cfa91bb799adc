import { HandlerError, operation, service } from "nexus-rpc";
import { afterEach, describe, expect, expectTypeOf, test } from "vitest";
import {
  createNexusClient,
  type OperationEvent,
  type OperationHandle,
  type WatchOptions,
} from "../../sdk/src/client.ts";
import {
  openStream,
  startEventServer,
  wireEvent,
  type EventScript,
  type EventServer,
} from "../harness/event-server.ts";
import { waitFor } from "../harness/wait-for.ts";

const contract = service("svc", { build: operation<string, string>() });
const id = "01890a5d-ac96-774b-bcce-b302099a8057";
const at = "2026-08-14T09:30:00.000Z";
const scheduled = wireEvent("1", "state", { state: "scheduled", at, worker: null });
const started = wireEvent("3", "state", { state: "started", at, worker: "w" });
const attempt = wireEvent("2", "attempt", {
  ...{ kind: "start", n: 1, at, durationMs: 12, status: 201, error: null },
});
const outcome = wireEvent("9", "outcome", { state: "succeeded", closedAt: at, message: null });
const progress = (step: number) =>
  wireEvent(`p${step}`, "progress", { step, of: 3, message: "lädt 🚚", at, detail: null });

const servers: EventServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function watched(
  ...scripts: EventScript[]
): Promise<{ server: EventServer; handle: OperationHandle<string> }> {
  const server = await startEventServer(...scripts);
  servers.push(server);
  const client = createNexusClient({
    url: server.url,
    token: "tok",
    retry: { attempts: 3, firstDelayMs: 1, maxDelayMs: 5 },
  }).service({ endpoint: "e", service: contract });
  return { server, handle: client.handle("build", id) };
}

async function all(handle: OperationHandle<string>, options?: WatchOptions) {
  const seen: OperationEvent[] = [];
  for await (const event of handle.watch(options)) seen.push(event);
  return seen;
}

const kinds = (events: readonly OperationEvent[]) =>
  events.map((event) => ("state" in event ? event.state : event.type));
const sends =
  (...events: string[]): EventScript =>
  (response) => {
    openStream(response).end(events.join(""));
  };
const status =
  (code: number, headers: Record<string, string> = {}, body = ""): EventScript =>
  (response) => {
    response.writeHead(code, headers).end(body);
  };

test("events are told apart by their type, and end with the outcome though the connection stays open", async () => {
  const { server, handle } = await watched((response) => {
    openStream(response).write(scheduled + attempt + started + progress(1) + outcome + started);
  });
  const events = await all(handle);
  expect(kinds(events)).toEqual(["scheduled", "attempt", "started", "progress", "succeeded"]);
  expect(events[1]).toEqual({
    ...{ type: "attempt", kind: "start", n: 1, at, durationMs: 12, status: 201, error: null },
  });
  expect(server.requests[0]).toMatchObject({
    url: `/v1/operations/${id}/events`,
    authorization: "Bearer tok",
    lastEventId: undefined,
  });
  await waitFor("the connection to be closed", () => server.requests[0]?.closed());
  for (const event of events)
    if (event.type === "outcome") expectTypeOf(event.closedAt).toEqualTypeOf<string>();
});

test("events and characters that come in pieces, comments and kinds that only newer gateways know", async () => {
  const text = `: alive\n\n${progress(1)}${wireEvent("x", "replaced", {})}data: {}\n\n${outcome}`;
  const { handle } = await watched((response) => {
    openStream(response);
    response.socket?.setNoDelay(true);
    const bytes = Buffer.from(text);
    let next = 0;
    const write = (): void => {
      if (next === bytes.length) response.end();
      else response.write(bytes.subarray(next, ++next), () => setImmediate(write));
    };
    write();
  });
  const events = await all(handle);
  expect(kinds(events)).toEqual(["progress", "succeeded"]);
  expect(events[0]).toMatchObject({ message: "lädt 🚚" });
});

describe("goes on behind the last event", () => {
  test("after a drain, a reset in the middle of an event, and one before the first byte", async () => {
    const { server, handle } = await watched(
      sends(scheduled),
      (response) => {
        const half = started.length / 2;
        openStream(response).write(attempt + started.slice(0, half), () =>
          response.socket?.resetAndDestroy(),
        );
      },
      (response) => response.socket?.resetAndDestroy(),
      sends(started, outcome),
    );
    expect(kinds(await all(handle))).toEqual(["scheduled", "attempt", "started", "succeeded"]);
    expect(server.requests.map(({ lastEventId }) => lastEventId)).toEqual([
      undefined,
      "1",
      "2",
      "2",
    ]);
  });

  test("through more refusals in a row than a call would try, and says which", async () => {
    const passing = [429, 502, 503, 504, 503, 502, 408, 520];
    const { server, handle } = await watched(
      sends(scheduled),
      ...passing.map((code) => status(code)),
      sends(outcome),
    );
    const interrupted: string[] = [];
    const onInterrupted = (error: Error) => interrupted.push(error.name);
    const onResumed = () => interrupted.push("resumed");
    const seen = await all(handle, { onInterrupted, onResumed });
    expect(kinds(seen)).toEqual(["scheduled", "succeeded"]);
    expect(server.requests.at(-1)?.lastEventId).toBe("1");
    expect(interrupted).toEqual([
      "ConnectionFailed",
      ...passing.map(() => "HandlerError"),
      "resumed",
    ]);
  });

  test("when it has been silent for too long, comments being bytes", async () => {
    const { server, handle } = await watched((response) => {
      openStream(response).write(scheduled);
      let comments = 0;
      const beat = setInterval(() => {
        if (++comments < 20) response.write(": alive\n\n");
        else if (comments === 20) response.write(attempt);
      }, 50);
      response.once("close", () => clearInterval(beat));
    }, sends(outcome));
    expect(kinds(await all(handle, { silenceMs: 800 }))).toEqual([
      "scheduled",
      "attempt",
      "succeeded",
    ]);
    expect(server.requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, "2"]);
    await waitFor("the silent connection to be closed", () => server.requests[0]?.closed());
  });
});

describe("ends at once", () => {
  const open: EventScript = (response) => void openStream(response).write(scheduled);

  test("and closes the connection when the loop is left", async () => {
    const { server, handle } = await watched(open);
    for await (const event of handle.watch()) {
      expect(event.type).toBe("state");
      break;
    }
    await waitFor("the connection to be closed", () => server.requests[0]?.closed());
  });

  test("when return() is called while an event is awaited", async () => {
    const { server, handle } = await watched(open);
    const events = handle.watch();
    await events.next();
    const pending = events.next();
    await events.return?.();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    await waitFor("the connection to be closed", () => server.requests[0]?.closed());
  });

  test("with the signal's reason, in the middle of events, of silence, of a pause and before the beginning", async () => {
    const reason = new Error("enough");
    const many = await watched(sends(scheduled, attempt, outcome));
    const inTheMiddle = new AbortController();
    const seen: string[] = [];
    const loop = async () => {
      for await (const event of many.handle.watch({ signal: inTheMiddle.signal })) {
        seen.push(event.type);
        inTheMiddle.abort(reason);
      }
    };
    await expect(loop()).rejects.toBe(reason);
    expect(seen).toEqual(["state"]);

    const { server, handle } = await watched(open);
    const silent = new AbortController();
    const events = handle.watch({ signal: silent.signal });
    await events.next();
    const pending = events.next();
    silent.abort(reason);
    await expect(pending).rejects.toBe(reason);
    await waitFor("the connection to be closed", () => server.requests[0]?.closed());

    const away = await watched(status(503, { "retry-after": "3600" }));
    const pausing = new AbortController();
    const onInterrupted = (_error: Error, retryInMs: number) => {
      expect(retryInMs).toBe(60_000);
      pausing.abort(reason);
    };
    await expect(all(away.handle, { signal: pausing.signal, onInterrupted })).rejects.toBe(reason);

    const signal = AbortSignal.abort(reason);
    await expect(all(away.handle, { signal })).rejects.toBe(reason);
    expect(away.server.requests).toHaveLength(1);
  });
});

const problem = { "content-type": "application/problem+json" };
test.each([
  ["UNAUTHENTICATED", 401, problem, '{"detail":"no"}', 1],
  ["UNAUTHORIZED", 403, problem, '{"detail":"no"}', 1],
  ["NOT_FOUND", 404, problem, '{"detail":"no"}', 1],
  ["BAD_REQUEST", 400, problem, '{"detail":"no"}', 1],
  ["NOT_FOUND", 404, problem, "", 1],
  ["UNAVAILABLE", 503, { "nexus-request-retryable": "false" }, "", 1],
  ["INTERNAL", 200, { "content-type": "text/html" }, "<h1>log in</h1>", 1],
  ["INTERNAL", 204, {}, "", 1],
  ["INTERNAL", 500, problem, '{"detail":"no"}', 3],
])("%s (%i) is final", async (type, code, headers, body, requests) => {
  const { server, handle } = await watched(status(code, headers, body));
  const watching = all(handle);
  await expect(watching).rejects.toBeInstanceOf(HandlerError);
  await expect(watching).rejects.toMatchObject({ type });
  expect(server.requests).toHaveLength(requests);
});

test("what a slow consumer has not taken waits at the sender", async () => {
  const size = 64 * 1024;
  const total = 4_000;
  let written = 0;
  let stalls = 0;
  const { handle } = await watched((response) => {
    openStream(response);
    const write = (): void => {
      while (written < total && !response.closed) {
        written += 1;
        const message = "x".repeat(size);
        if (!response.write(wireEvent(String(written), "progress", { message }))) {
          stalls += 1;
          response.once("drain", write);
          return;
        }
      }
    };
    write();
  });
  const events = handle.watch();
  await events.next();
  let before = -1;
  await waitFor(
    "the sender to stand still",
    () => {
      const still = before === stalls;
      before = stalls;
      return still;
    },
    { every: 200 },
  );
  // What the kernel holds is a few MiB; all of it is 250.
  expect(written).toBeLessThan(total / 4);
  for (let n = 0; n < 300; n += 1) await events.next();
  await events.return?.();
});

test("a message without an end is refused before it fills the memory", async () => {
  const { handle } = await watched((response) => {
    openStream(response);
    const write = (): void => {
      while (!response.closed && response.write("x".repeat(64 * 1024)));
      if (!response.closed) response.once("drain", write);
    };
    write();
  });
  await expect(all(handle)).rejects.toThrow(/max buffer size/);
});
