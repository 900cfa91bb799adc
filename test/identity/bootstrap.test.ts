import { describe, expect, it } from "vitest";
import { AlreadyBootstrapped, bootstrap } from "../../gateway/src/commands/bootstrap.ts";
import { generateMasterKey } from "../../gateway/src/identity/master-key.ts";
import { createTokenVerifier } from "../../gateway/src/identity/mesh-token.ts";
import { createDatabase } from "../harness/postgres.ts";
import { openIdentity, publicUrl } from "./open-identity.ts";

describe("bootstrap", () => {
  it("gives one admin token, refuses a second and gives it with --force", async () => {
    const database = await createDatabase();
    const masterKeys = [generateMasterKey()];
    const settings = { databaseUrl: database.url, publicUrl, masterKeys };
    try {
      const first = await bootstrap({ ...settings, force: false });
      await expect(bootstrap({ ...settings, force: false })).rejects.toThrow(AlreadyBootstrapped);
      const forced = await bootstrap({ ...settings, force: true });
      const identity = await openIdentity(database, masterKeys);
      const verify = createTokenVerifier(identity);
      const principals = [await verify(first), await verify(forced)];
      await identity.close();
      expect(principals).toMatchObject([
        { role: "admin", tokenNamespaceId: null },
        { role: "admin", tokenNamespaceId: null },
      ]);
      expect(principals[0]?.tokenId).not.toBe(principals[1]?.tokenId);
    } finally {
      await database.drop();
    }
  });
});
