import type { Reseal } from "@nexus-mesh/registry/reseal-secrets";
import type { Pool } from "pg";

const batch = 200;
const startId = "00000000-0000-0000-0000-000000000000";

/**
 * The callback headers of all operations and callbacks. A few rows at a time and each only if it still is as it was read,
 * so that it runs beside gateways at work. Returns how many were sealed anew.
 */
export async function resealHeaders(pool: Pool, reseal: Reseal): Promise<number> {
  return (await resealOperations(pool, reseal)) + (await resealCallbacks(pool, reseal));
}

async function resealOperations(pool: Pool, reseal: Reseal): Promise<number> {
  let count = 0;
  for (let after = startId; ;) {
    const { rows } = await pool.query<{ id: string; key: string; sealed: Buffer }>(
      `select id, key, callback_headers as sealed from operation
       where callback_headers is not null and id > $1 order by id limit $2`,
      [after, batch],
    );
    for (const { id, key, sealed } of rows) {
      const renewed = await reseal(sealed.toString());
      if (renewed === undefined) continue;
      const { rowCount } = await pool.query(
        "update operation set callback_headers = $4 where id = $1 and key = $2 and callback_headers = $3",
        [id, key, sealed, Buffer.from(renewed)],
      );
      count += rowCount ?? 0;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < batch) return count;
    after = last.id;
  }
}

async function resealCallbacks(pool: Pool, reseal: Reseal): Promise<number> {
  let count = 0;
  for (let after: [string, string] = [startId, startId]; ;) {
    const { rows } = await pool.query<{ id: string; url_hash: string; sealed: Buffer }>(
      `select id, url_hash, headers as sealed from callback
       where headers is not null and (id, url_hash) > ($1, $2) order by id, url_hash limit $3`,
      [...after, batch],
    );
    for (const { id, url_hash, sealed } of rows) {
      const renewed = await reseal(sealed.toString());
      if (renewed === undefined) continue;
      const { rowCount } = await pool.query(
        "update callback set headers = $4 where id = $1 and url_hash = $2 and headers = $3",
        [id, url_hash, sealed, Buffer.from(renewed)],
      );
      count += rowCount ?? 0;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < batch) return count;
    after = [last.id, last.url_hash];
  }
}
