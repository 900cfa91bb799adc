import type { PoolClient } from "pg";
import { RegistryConflict, type NamespaceId } from "./registry.ts";
import type { AuditEntry } from "./write.ts";

/** Gateways whose snapshot still has an endpoint's former target may accept a start for it; theirs is newer after 2 s. */
const staleFor = "interval '5 seconds'";

/** The targets that endpoints had there once go with it, when nothing is pinned to them any more. */
export async function deleteQueue(
  client: PoolClient,
  namespaceId: NamespaceId,
  name: string,
): Promise<{ result: boolean; entry: AuditEntry | undefined }> {
  const { rows } = await client.query<{
    id: number;
    endpoint: string | null;
    left_now: boolean;
    waits: boolean;
    runs: boolean;
  }>(
    `select q.id,
       (select min(n.name) from target t join endpoint_name n on n.endpoint_id = t.endpoint_id
        where t.queue_id = q.id and t.removed_at is null and n.released_at is null) as endpoint,
       exists (select from target t where t.queue_id = q.id and t.removed_at > now() - ${staleFor}) as left_now,
       exists (select from task where queue_id = q.id) as waits,
       exists (select from head h where h.target_id = any(array(select t.id from target t where t.queue_id = q.id))
         and (h.state < 4 or h.owes <> 0)) as runs
     from queue q where q.namespace_id = $1 and q.name = $2`,
    [namespaceId, name],
  );
  const [queue] = rows;
  if (queue === undefined) return { result: false, entry: undefined };
  const inUse = (why: string): RegistryConflict =>
    new RegistryConflict("in-use", `queue "${name}" can't be deleted: ${why}`);
  if (queue.endpoint !== null) throw inUse(`endpoint "${queue.endpoint}" points at it`);
  if (queue.waits) throw inUse("tasks wait in it");
  if (queue.runs) throw inUse("operations that came through it run, or owe a callback or a cancel");
  if (queue.left_now) throw inUse("an endpoint pointed at it until a moment ago");
  await client.query("delete from target where queue_id = $1", [queue.id]);
  await client.query("delete from queue where id = $1", [queue.id]);
  return {
    result: true,
    entry: { action: "queue.delete", object: name, details: { namespaceId } },
  };
}
