import { randomUUID } from "node:crypto";
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
  const db = new pg.Pool({ connectionString: parts.databaseUrl, max: 4 });
  await db.query(
    "create table if not exists crude (id uuid primary key, input bytea, result bytea, state smallint not null)",
  );
  const handler = new Pool(parts.target, { connections: 64 });
  const receivers = new Pool(parts.receiver, { connections: 64 });
  const insert = batcher<{ id: string; input: Buffer }>((rows) =>
    db.query(
      "insert into crude (id, input, state) select i, p, 0 from unnest($1::uuid[], $2::bytea[]) r(i, p)",
      [rows.map((row) => row.id), rows.map((row) => row.input)],
    ),
  );
  const settle = batcher<{ id: string; result: Buffer }>((rows) =>
    db.query(
      "update crude set state = 4, result = r.p from unnest($1::uuid[], $2::bytea[]) r(i, p) where id = r.i and state = 0",
      [rows.map((row) => row.id), rows.map((row) => row.result)],
    ),
  );
  const app = fastify({ keepAliveTimeout: 75_000 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  let self = "";
  app.post("/start", async (request, reply) => {
    const id = randomUUID();
    await insert({ id, input: request.body as Buffer });
    void handler
      .request({
        path: `/jobs/async?callback=${encodeURIComponent(`${self}/callback`)}`,
        method: "POST",
        headers: { "content-type": "application/json", "nexus-callback-id": id },
        body: request.body as Buffer,
      })
      .then((answer) => answer.body.dump());
    return reply
      .code(201)
      .header("content-type", "application/json")
      .send(Buffer.from(JSON.stringify({ token: id, state: "running" })));
  });
  app.post("/callback", async (request, reply) => {
    const id = String(request.headers["id"]);
    await settle({ id, result: request.body as Buffer });
    void receivers
      .request({
        path: "/",
        method: "POST",
        headers: { "content-type": "application/json", "nexus-operation-token": id },
        body: request.body as Buffer,
      })
      .then((answer) => answer.body.dump());
    return reply.code(200).send();
  });
  self = await app.listen({ port: 0, host: "127.0.0.1" });
  return self;
}

/** While one statement is in flight the next batch gathers. */
function batcher<Row>(write: (rows: Row[]) => Promise<unknown>): (row: Row) => Promise<void> {
  const waiting: { row: Row; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let writing = false;
  const flush = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, 500);
      try {
        await write(batch.map(({ row }) => row));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = false;
  };
  return (row) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ row, resolve, reject });
      if (!writing) void flush();
    });
}
