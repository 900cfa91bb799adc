import { randomUUID } from "node:crypto";
import { batchPoolOptions } from "@nexus-mesh/gateway/store/open-store";
import fastify from "fastify";
import pg from "pg";
import { Pool } from "undici";

/**
 * The honest yardstick for a durable operation: the same four exchanges (start, dispatch, completion, callback) and two
 * batched writes, without authentication, retries, leases or recovery.
 */
export async function startCrudeMesh(parts: {
  target: string;
  databaseUrl: string;
  receiver: string;
}): Promise<string> {
  const db = new pg.Pool(batchPoolOptions(parts.databaseUrl, 4));
  await db.query(
    "create table if not exists crude (id uuid primary key, input bytea, result bytea, state smallint not null)",
  );
  const handler = new Pool(parts.target, { connections: 64 });
  const receivers = new Pool(parts.receiver, { connections: 64 });
  const insert = batcher<{ id: string; input: Buffer }>((rows) =>
    db.query({
      name: "insert",
      text: "insert into crude (id, input, state) select i, p, 0 from unnest($1::uuid[], $2::bytea[]) r(i, p)",
      values: [rows.map((row) => row.id), rows.map((row) => row.input)],
    }),
  );
  const settle = batcher<{ id: string; result: Buffer }>((rows) =>
    db.query({
      name: "settle",
      text: "update crude set state = 4, result = r.p from unnest($1::uuid[], $2::bytea[]) r(i, p) where id = r.i and state = 0",
      values: [rows.map((row) => row.id), rows.map((row) => row.result)],
    }),
  );
  const app = fastify({ keepAliveTimeout: 75_000 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  let start = "";
  app.post("/start", (request, reply) => {
    const id = randomUUID();
    const input = request.body as Buffer;
    insert({ id, input }, (error) => {
      if (error !== undefined) return reply.send(error);
      post(handler, start, {
        headers: { "content-type": "application/json", "nexus-callback-id": id },
        body: input,
      });
      return reply
        .code(201)
        .header("content-type", "application/json")
        .send(`{"token":"${id}","state":"running"}`);
    });
    return reply;
  });
  app.post("/callback", (request, reply) => {
    const id = String(request.headers["id"]);
    const result = request.body as Buffer;
    settle({ id, result }, (error) => {
      if (error !== undefined) return reply.send(error);
      post(receivers, "/", {
        headers: { "content-type": "application/json", "nexus-operation-token": id },
        body: result,
      });
      return reply.code(200).send();
    });
    return reply;
  });
  const self = await app.listen({ port: 0, host: "127.0.0.1" });
  start = `/jobs/async?callback=${encodeURIComponent(`${self}/callback`)}`;
  return self;
}

/** The cheapest way that undici has: no stream objects, nothing collected. A failure shows in the count of callbacks. */
function post(
  pool: Pool,
  path: string,
  request: { headers: Record<string, string>; body: Buffer },
): void {
  pool.dispatch(
    { path, method: "POST", ...request },
    {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd() {},
      onResponseError() {},
    },
  );
}

/** While one statement is in flight the next batch gathers. */
function batcher<Row>(
  write: (rows: Row[]) => Promise<unknown>,
): (row: Row, done: (error?: unknown) => void) => void {
  let waiting: { row: Row; done: (error?: unknown) => void }[] = [];
  let writing = false;
  const flush = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await write(batch.map(({ row }) => row));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { done } of batch) done(error);
      }
    }
    writing = false;
  };
  return (row, done) => {
    waiting.push({ row, done });
    if (!writing) void flush();
  };
}
