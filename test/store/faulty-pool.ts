import type { Pool, QueryConfig, QueryResult } from "pg";

export type Fault = "none" | "lost-before" | "lost-after" | "doubled";

/** Loses statements before or after their commit, or sends them twice, as a broken connection would. */
export function makeFaulty(pool: Pool, choose: (statement: string) => Fault): void {
  const send = pool.query.bind(pool) as (config: QueryConfig) => Promise<QueryResult>;
  const faulty = async (config: QueryConfig): Promise<QueryResult> => {
    // `accept-all` is `accept` with the columns that are rarely used.
    const fault = choose((config.name ?? "").replace(/-all$/, ""));
    if (fault === "lost-before") throw lost();
    const result = await send(config);
    if (fault === "lost-after") throw lost();
    if (fault === "doubled") await send(config);
    return result;
  };
  Object.assign(pool, { query: faulty });
}

function lost(): Error {
  return Object.assign(new Error("the connection was lost"), { code: "ECONNRESET" });
}
