import { HandlerError, OperationError } from "nexus-rpc";
import { createAdminClient } from "@nexus-mesh/sdk/admin";
import { createNexusClient } from "@nexus-mesh/sdk/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../harness/wait-for.ts";
import { reports, startTwoTeams, type RunningBuild, type TwoTeams } from "./two-teams.ts";

describe.each([1, 3])("two teams over %i gateway(s)", (count) => {
  let teams: TwoTeams;

  beforeAll(async () => {
    teams = await startTwoTeams(count);
  });

  afterAll(async () => {
    await teams.close();
  });

  function buildOf(requestId: string): Promise<RunningBuild> {
    return waitFor(`the handler to start ${requestId}`, () =>
      teams.builds.find((build) => build.callerRequestId === requestId),
    );
  }

  function completionOf(operationId: string) {
    return waitFor(`the completion of ${operationId}`, () =>
      teams.completions.find((completion) => completion.operationId === operationId),
    );
  }

  it("a synchronous call is answered, and the handler knows who called", async () => {
    expect(await teams.storefront.execute("hello", { name: "World" })).toEqual({
      greeting: "Hello, World!",
      caller: "storefront",
    });
  });

  it("an operation that fails is an OperationError at the caller", async () => {
    const error: unknown = await teams.storefront.execute("refuse", null).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(OperationError);
    expect(error).toMatchObject({ state: "failed", message: "no report today" });
  });

  it("an asynchronous one is waited for, whichever gateway its completion meets", async () => {
    const running = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((rows) =>
        teams.storefront.start("build", { rows }, { requestId: `wait-${rows}` }),
      ),
    );
    for (const rows of [1, 2, 3, 4, 5, 6]) await (await buildOf(`wait-${rows}`)).succeed();
    const results = await Promise.all(running.map((operation) => operation.result()));
    expect(results.map(({ rows }) => rows)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("its completion is delivered signed, once", async () => {
    const { callbackUrl } = teams;
    const requestId = "signed";
    const operation = await teams.storefront.start(
      "build",
      { rows: 7 },
      { requestId, callbackUrl },
    );
    const build = await buildOf(requestId);
    await build.succeed();
    // A repeat of the same completion is welcome and changes nothing.
    await build.succeed();
    const completion = await completionOf(operation.operationId);
    expect(completion.state === "succeeded" && completion.result()).toEqual({ rows: 7 });
    expect(
      teams.completions.filter(({ operationId }) => operationId === operation.operationId),
    ).toHaveLength(1);
  });

  it("a repeat attaches, through any gateway; other input is refused", async () => {
    const requestId = "repeat";
    const ids = await Promise.all(
      Array.from({ length: 6 }, () => teams.storefront.start("build", { rows: 1 }, { requestId })),
    );
    expect(new Set(ids.map(({ operationId }) => operationId)).size).toBe(1);
    const other: unknown = await teams.storefront
      .start("build", { rows: 2 }, { requestId })
      .catch((e: unknown) => e);
    expect(other).toBeInstanceOf(HandlerError);
    expect(other).toMatchObject({ type: "CONFLICT" });
    await (await buildOf(requestId)).succeed();
    expect(teams.builds.filter((build) => build.callerRequestId === requestId)).toHaveLength(1);
  });

  it("a cancel reaches the handler, whose completion ends it", async () => {
    const { callbackUrl } = teams;
    const requestId = "cancel";
    const operation = await teams.storefront.start(
      "build",
      { rows: 1 },
      { requestId, callbackUrl },
    );
    const build = await buildOf(requestId);
    await operation.cancel();
    await operation.cancel();
    await waitFor("the cancel at the handler", () => teams.canceled.includes(build.token));
    await build.fail("canceled", "as you wish");
    expect(await completionOf(operation.operationId)).toMatchObject({ state: "canceled" });
    const error: unknown = await operation.result().catch((e: unknown) => e);
    expect(error).toMatchObject({ name: "OperationError", state: "canceled" });
  });

  it("a grant that is taken away stops new starts on every gateway within a second", async () => {
    const admin = createAdminClient({ url: teams.url, token: teams.tokens.owner });
    const path = { endpoint: "analytics", grant: "storefront-may" };
    await admin.call("deleteGrant", { path });
    await waitFor(
      "all gateways to refuse",
      async () => {
        const tries = await Promise.all(
          teams.gateways.map(async ({ url }) => {
            const { caller: token } = teams.tokens;
            const direct = createNexusClient({ url, token }).service({
              endpoint: "analytics",
              service: reports,
            });
            return direct.execute("hello", { name: "again" }).then(
              () => "answered",
              (error: unknown) => (error instanceof HandlerError ? error.type : "other"),
            );
          }),
        );
        return tries.every((tried) => tried === "UNAUTHORIZED");
      },
      { ms: 2_000 },
    );
    await admin.call("putGrant", { path, body: { caller: "storefront" } });
  });
});
