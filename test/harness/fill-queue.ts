import type { Pool } from "pg";

/**
 * Copies an operation that waits in a queue, with its rows in all tables, under new keys and ids: what such rows look
 * like is for the real accept to say. The copies are a little older than it.
 */
export async function fillQueue(pool: Pool, operationId: string, count: number): Promise<void> {
  await pool.query(
    `create unlogged table copies as
     select key, (left(ms, 8) || '-' || right(ms, 4) || '-7' || right(key::text, 21))::uuid as id
     from (
       select gen_random_uuid() as key, lpad(to_hex($2::bigint - n / 100), 12, '0') as ms
       from generate_series(1, $1::bigint) as n
     ) as times`,
    [count, parseInt(operationId.slice(0, 8) + operationId.slice(9, 13), 16)],
  );
  // In the order of its key each table is written fastest: random ones cost a page of the index each.
  await Promise.all([
    copy(pool, "head", "key", operationId),
    copy(pool, "operation", "id", operationId),
    copy(pool, "task", "id", operationId),
  ]);
  await pool.query("drop table copies");
}

async function copy(
  pool: Pool,
  table: "head" | "operation" | "task",
  order: "key" | "id",
  operationId: string,
): Promise<void> {
  const { rows } = await pool.query<{ names: string }>(
    `select string_agg(quote_ident(attname), ', ') as names from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname not in ('id', 'key')`,
    [table],
  );
  const names = rows[0]?.names ?? "";
  await pool.query(
    `insert into ${table} (id, key, ${names})
     select c.id, c.key, ${names} from copies c, ${table} t where t.id = $1 order by c.${order}`,
    [operationId],
  );
}
