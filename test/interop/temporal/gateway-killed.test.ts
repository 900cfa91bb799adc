import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startGatewayProcess } from "../../harness/gateway-process.ts";
import { startGateway } from "../../harness/gateway.ts";
import { createDatabase } from "../../harness/postgres.ts";
import { startTcpProxy } from "../../harness/proxy.ts";
import { seedTwoTeams } from "../../harness/seed.ts";
import { temporalVersions } from "../install-temporal.ts";
import { later, now, startCaseHandler, type CaseHandler } from "./case-handler.ts";
import { startTemporalTeam } from "./temporal-team.ts";
import { startCall, type WorkflowCall } from "./workflow-call.ts";

const temporal = inject("temporal");

describe.skipIf(temporal === null)("a gateway is killed, and another takes over", () => {
  let handler: CaseHandler;
  const closing: (() => Promise<void>)[] = [];
  /** By server: an operation that the handler had accepted, and one that it was about to answer. */
  const calls = new Map<string, { accepted: WorkflowCall; unanswered: WorkflowCall }>();

  beforeAll(async () => {
    const database = await createDatabase();
    closing.push(() => database.drop());
    const proxy = await startTcpProxy([]);
    closing.push(() => proxy.close());
    handler = await startCaseHandler();
    closing.push(() => handler.close());
    const { url: publicUrl } = proxy;
    const seeding = await startGateway({ databaseUrl: database.url, options: { publicUrl } });
    const { callerToken } = await seedTwoTeams(seeding, handler.url);
    await seeding.close();

    const doomed = await startGatewayProcess({ databaseUrl: database.url, publicUrl });
    closing.push(() => doomed.close());
    const serveBy = ({ url }: { url: string }): void =>
      proxy.setUpstreams([{ host: "127.0.0.1", port: Number(new URL(url).port) }]);
    serveBy(doomed);
    await handler.serve(publicUrl, ["analytics"]);

    const target = new URL(`${publicUrl}/nexus/endpoints/analytics/services`);
    target.username = "mesh";
    target.password = callerToken;
    for (const version of temporalVersions) {
      const team = await startTemporalTeam(version, "caller");
      closing.push(() => team.close());
      const endpoint = await team.externalEndpoint(target.href);
      const [accepted, unanswered] = [randomUUID(), randomUUID()];
      handler.when(accepted, later);
      // Its first answer never comes: the gateway dies while it waits for it.
      handler.when(unanswered, ({ nth }) => (nth === 1 ? new Promise(() => undefined) : now(nth)));
      calls.set(version, {
        accepted: await startCall(team, { endpoint, input: { case: accepted } }, accepted),
        unanswered: await startCall(team, { endpoint, input: { case: unanswered } }, unanswered),
      });
    }
    for (const { accepted, unanswered } of calls.values()) {
      await handler.start(unanswered.workflowId);
      await accepted.started();
    }
    doomed.signal("SIGKILL");
    await doomed.exited;
    proxy.setUpstreams([]);
    const successor = await startGatewayProcess({ databaseUrl: database.url, publicUrl });
    closing.push(() => successor.close());
    serveBy(successor);
  });
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  describe.concurrent.each(temporalVersions)("server %s", (version) => {
    function callsOf(): { accepted: WorkflowCall; unanswered: WorkflowCall } {
      const found = calls.get(version);
      if (found === undefined) throw new Error(`no calls from ${version}`);
      return found;
    }

    test("a completion through the other one reaches the workflow", async () => {
      const { accepted } = callsOf();
      const start = await handler.start(accepted.workflowId);
      await start.complete({ result: { rows: 3 } });
      expect(await accepted.result()).toEqual({ value: { rows: 3 } });
    });

    test("a start that was not answered is sent again under the same id", async () => {
      const { unanswered } = callsOf();
      expect(await unanswered.result()).toEqual({ value: 2 });
      const [first, second] = [
        await handler.start(unanswered.workflowId),
        await handler.start(unanswered.workflowId, 2),
      ];
      expect(second.ctx.requestId).toBe(first.ctx.requestId);
    });
  });
});
