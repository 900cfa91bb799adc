import type { PoolClient } from "pg";
import type { AuditEntry } from "./write.ts";

/** The value sealed anew, or undefined where it may stay as it is. */
export type Reseal = (sealed: string) => Promise<string | undefined>;

/** Every sealed value of the control plane. The caller's transaction keeps other writers of it out. */
export async function resealSecrets(
  client: PoolClient,
  reseal: Reseal,
): Promise<{ result: number; entry: AuditEntry | undefined }> {
  let count = 0;

  async function each(select: string, update: string): Promise<void> {
    const { rows } = await client.query<{ id: string; sealed: string }>(select);
    for (const { id, sealed } of rows) {
      const renewed = await reseal(sealed);
      if (renewed === undefined) continue;
      await client.query(update, [id, renewed]);
      count += 1;
    }
  }

  await each(
    "select name as id, sealed from secret for update",
    "update secret set sealed = $2 where name = $1",
  );
  await each(
    "select kid as id, sealed_private_jwk as sealed from signing_key for update",
    "update signing_key set sealed_private_jwk = $2 where kid = $1",
  );

  const namespaces = await client.query<{ id: number; secrets: { sealed: string }[] }>(
    "select id, callback_secrets as secrets from namespace where callback_secrets <> '[]' for update",
  );
  for (const { id, secrets } of namespaces.rows) {
    const renewed: { sealed: string }[] = [];
    let changed = 0;
    for (const secret of secrets) {
      const sealed = await reseal(secret.sealed);
      if (sealed !== undefined) changed += 1;
      renewed.push(sealed === undefined ? secret : { ...secret, sealed });
    }
    if (changed === 0) continue;
    await client.query("update namespace set callback_secrets = $2 where id = $1", [
      id,
      JSON.stringify(renewed),
    ]);
    count += changed;
  }
  return {
    result: count,
    entry:
      count === 0
        ? undefined
        : { action: "secrets.reseal", object: "mesh", details: { values: count } },
  };
}
