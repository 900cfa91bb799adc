import fastify from "fastify";
import { Pool } from "undici";

/** Hop-by-hop, and what undici writes itself. */
const ownHeaders = new Set(["host", "connection", "keep-alive", "content-length"]);

/** What any Node proxy costs at least: fastify in, undici `dispatch` out, reply collected, one write. */
export async function startBareProxy(target: string): Promise<string> {
  const pool = new Pool(target, { connections: 64 });
  const app = fastify({ keepAliveTimeout: 75_000 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.post("/*", (request, reply) => {
    const chunks: Buffer[] = [];
    let status = 0;
    let type: string | undefined;
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers))
      if (!ownHeaders.has(name)) headers[name] = String(value);
    pool.dispatch(
      {
        path: request.url,
        method: "POST",
        headers,
        body: request.body as Buffer,
      },
      {
        // undici tells its two handler interfaces apart by this one.
        onRequestStart() {},
        onResponseStart(_controller, code, headers) {
          status = code;
          type = headers["content-type"] as string | undefined;
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk);
        },
        onResponseEnd() {
          if (type !== undefined) reply.header("content-type", type);
          void reply.code(status).send(Buffer.concat(chunks));
        },
        onResponseError(_controller, error) {
          void reply.code(502).send(error.message);
        },
      },
    );
    return reply;
  });
  return app.listen({ port: 0, host: "127.0.0.1" });
}
