import type { PoolClient } from "pg";
import {
  RegistryConflict,
  type Condition,
  type EgressRule,
  type NamespaceId,
  type SealedSecret,
} from "./registry.ts";
import type { AuditEntry } from "./write.ts";

interface Change<T> {
  readonly result: T;
  readonly entry: AuditEntry | undefined;
}

export async function putNamespace(
  client: PoolClient,
  name: string,
  description: string,
  condition: Condition,
): Promise<Change<{ created: boolean }>> {
  const { rows } = await client.query<{ id: number }>("select id from namespace where name = $1", [
    name,
  ]);
  if (rows.length === 0) {
    await client.query("insert into namespace (name, description) values ($1, $2)", [
      name,
      description,
    ]);
    return { result: { created: true }, entry: { action: "namespace.create", object: name } };
  }
  if (condition === "absent")
    throw new RegistryConflict("exists", `namespace "${name}" exists already`);
  await client.query("update namespace set description = $2 where name = $1", [name, description]);
  return { result: { created: false }, entry: { action: "namespace.update", object: name } };
}

export async function deleteNamespace(client: PoolClient, name: string): Promise<Change<boolean>> {
  const { rows } = await client.query<{
    id: number;
    owns: boolean;
    runs: boolean;
    serves: boolean;
  }>(
    `select id, exists (select 1 from endpoint where owner_id = n.id) as owns,
            exists (select 1 from head where caller_ns = n.id and (state < 4 or owes <> 0)) as runs,
            exists (select 1 from target t join queue q on q.id = t.queue_id where q.namespace_id = n.id) as serves
     from namespace n where name = $1`,
    [name],
  );
  const [found] = rows;
  if (found === undefined) return { result: false, entry: undefined };
  if (found.owns) throw new RegistryConflict("in-use", `namespace "${name}" owns endpoints`);
  if (found.runs)
    throw new RegistryConflict("in-use", `namespace "${name}" has operations that run`);
  if (found.serves)
    throw new RegistryConflict("in-use", `an endpoint still has a target in a queue of "${name}"`);
  await client.query("delete from namespace where id = $1", [found.id]);
  return { result: true, entry: { action: "namespace.delete", object: name } };
}

export async function setCallbackSecrets(
  client: PoolClient,
  id: NamespaceId,
  secrets: readonly SealedSecret[],
  seen: string | null,
): Promise<Change<boolean>> {
  const stored = secrets.map(({ sealed, createdAt }) => ({
    sealed,
    createdAt: createdAt.toISOString(),
  }));
  const { rows } = await client.query<{ name: string }>(
    `update namespace set callback_secrets = $2
     where id = $1 and callback_secrets->0->>'sealed' is not distinct from $3 returning name`,
    [id, JSON.stringify(stored), seen],
  );
  const [changed] = rows;
  return {
    result: changed !== undefined,
    entry: changed && { action: "callback-secret.set", object: changed.name },
  };
}

export async function putEgress(
  client: PoolClient,
  id: NamespaceId,
  rules: readonly EgressRule[],
  condition: Condition,
): Promise<Change<undefined>> {
  const { rows } = await client.query<{ name: string; version: number }>(
    "select name, egress_version as version from namespace where id = $1",
    [id],
  );
  const [found] = rows;
  if (found === undefined) throw new Error(`there is no namespace ${id}`);
  assertVersion(condition, found.version, `the egress policy of namespace "${found.name}"`);
  await client.query(
    "update namespace set egress_rules = $2, egress_version = egress_version + 1 where id = $1",
    [id, JSON.stringify(rules)],
  );
  return {
    result: undefined,
    entry: { action: "egress.put", object: found.name, details: { rules } },
  };
}

export function assertVersion(condition: Condition, current: number, what: string): void {
  if (condition === "absent")
    throw new RegistryConflict("exists", `${what} exists already`, current);
  if (condition !== "any" && condition.version !== current) {
    throw new RegistryConflict(
      "version",
      `${what} has version ${current}, not ${condition.version}`,
      current,
    );
  }
}
