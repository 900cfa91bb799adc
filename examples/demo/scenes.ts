import { DBOSClient } from "@dbos-inc/dbos-sdk";
import { until } from "./child.ts";
import { onClose } from "./closing.ts";
import { playFulfilment } from "./fulfilment-scenes.ts";
import { chapter, holds, say, table } from "./narrate.ts";
import { sideEffectsOf, type Stepped } from "./profile-dataset.ts";
import type { Stage } from "./stage.ts";
import type { Completion } from "./storefront-client.ts";

const dataset = "movies.json";

export async function playScenes(stage: Stage): Promise<void> {
  await synchronousCall(stage);
  await asynchronousCall(stage);
  await handlerDies(stage);
  await gatewayDies(stage);
  await sameRequestTwice(stage);
  await noGrant(stage);
  await cancel(stage);
  await playFulfilment(stage);
  await whatTheGatewaysRecorded(stage);
}

async function synchronousCall({ storefront }: Stage): Promise<void> {
  chapter("A synchronous call");
  const { columns } = await storefront({ do: "columns", dataset });
  say(`storefront asks for the columns of ${dataset}: ${columns.slice(0, 4).join(", ")}, …`);
  holds("the handler's answer came back through the mesh", columns.includes("Title"));
}

async function asynchronousCall(stage: Stage): Promise<void> {
  chapter("An asynchronous call, and its signed completion");
  const { operationId } = await stage.storefront({ do: "profile", dataset, requestId: "order-1" });
  say(`accepted as ${operationId}; storefront does something else meanwhile`);
  const completion = await completionOf(stage, operationId);
  say(
    `${completion.rows ?? 0} rows and ${completion.columns ?? 0} columns, in four slow durable steps`,
  );
  holds(
    "its completion arrived, and the signature is the mesh's",
    completion.state === "succeeded",
  );
}

async function handlerDies(stage: Stage): Promise<void> {
  chapter("The handler is killed in the middle of its third step");
  const order = "order-2";
  const { operationId } = await stage.storefront({ do: "profile", dataset, requestId: order });
  await stepBegins(stage, order, "find gaps");
  await stage.insights.kill("SIGKILL");
  say(`insights (process ${stage.insights.pid}) got SIGKILL while it was looking for gaps`);
  const restarted = await stage.restartInsights();
  say(`insights starts again as process ${restarted.pid}; DBOS recovers the workflow`);
  const completion = await completionOf(stage, operationId);
  holds("the operation succeeded all the same", completion.state === "succeeded");

  const workflowId = sideEffectsOf(stage.sideEffects, order)[0]?.workflowId ?? "";
  const client = await DBOSClient.create({ systemDatabaseUrl: stage.insightsDatabase });
  onClose(() => client.destroy());
  const rows = (await client.listWorkflowSteps(workflowId)) ?? [];
  const steps = rows.map(({ name, output }) => ({
    name,
    // Each step returns which execution of it this was.
    executions: (output as Stepped<unknown>).execution,
  }));
  say("DBOS's own rows of that workflow, one per step:");
  table(
    ["step", "executions"],
    steps.map(({ name, executions }) => [name, String(executions)]),
  );
  holds(
    "exactly the interrupted step ran twice, the others once",
    steps.length === 4 &&
      steps.every(({ name, executions }) => executions === (name === "find gaps" ? 2 : 1)),
  );
}

async function gatewayDies(stage: Stage): Promise<void> {
  chapter("A gateway is killed while an operation runs");
  const order = "order-3";
  const { operationId } = await stage.storefront({ do: "profile", dataset, requestId: order });
  await stepBegins(stage, order, "count rows");
  const [dying, other] = stage.gateways;
  await dying.kill("SIGKILL");
  say(`gateway ${dying.pid} got SIGKILL; ${other.pid} is alone`);
  const completion = await completionOf(stage, operationId);
  holds("the completion arrived through the other one", completion.state === "succeeded");
}

async function sameRequestTwice(stage: Stage): Promise<void> {
  chapter("The same request again");
  const request = { do: "profile", dataset, requestId: "order-4" } as const;
  const first = await stage.storefront(request);
  await stepBegins(stage, request.requestId, "count rows");
  const second = await stage.storefront(request);
  say(`storefront was not sure that its request had arrived, and sent it again`);
  holds("the repeat attached to the first operation", first.operationId === second.operationId);
  await completionOf(stage, first.operationId);
  const counted = sideEffectsOf(stage.sideEffects, request.requestId).filter(
    (effect) => effect.step === "count rows",
  );
  holds("the handler's log of side effects has one line of it", counted.length === 1);
}

async function noGrant({ storefront }: Stage): Promise<void> {
  chapter("A team without a grant");
  const { refused } = await storefront({ do: "call without a grant", dataset });
  say(`marketing is told: ${refused ?? "nothing, it was let in"}`);
  holds(
    "it was refused, with the command that would grant it",
    refused?.includes("nexus-mesh grant put analytics") === true,
  );
}

async function cancel(stage: Stage): Promise<void> {
  chapter("A running operation is canceled");
  const requestId = "order-5";
  const { operationId } = await stage.storefront({ do: "profile", dataset, requestId });
  await stepBegins(stage, requestId, "count rows");
  await stage.storefront({ do: "cancel", requestId });
  const completion = await completionOf(stage, operationId);
  holds("its workflow stopped, and storefront was told so", completion.state === "canceled");
  const steps = sideEffectsOf(stage.sideEffects, requestId).length;
  holds("not all of its steps were begun", steps < 4);
}

async function whatTheGatewaysRecorded({ mesh }: Stage): Promise<void> {
  chapter("What the gateways recorded");
  const operations = await mesh.operations("storefront");
  table(
    ["operation", "endpoint", "request id", "state", "attempts", "took"],
    operations.map(({ id, endpoint, requestId, state, attempts, createdAt, closedAt }) => [
      id,
      endpoint ?? "",
      requestId ?? "",
      state,
      String(attempts ?? "?"),
      closedAt === null
        ? ""
        : `${((Date.parse(closedAt) - Date.parse(createdAt)) / 1_000).toFixed(1)} s`,
    ]),
  );
  say("(the synchronous call cost no row: it is in the metrics)");
  holds(
    "six operations, five succeeded and one canceled",
    operations
      .map(({ state }) => state)
      .toSorted()
      .join() === "canceled,succeeded,succeeded,succeeded,succeeded,succeeded",
  );
}

function completionOf({ storefront }: Stage, operationId: string): Promise<Completion> {
  return until(`the completion of ${operationId}`, async () => {
    const { completions } = await storefront({ do: "completions" });
    return completions.find((completion) => completion.operationId === operationId);
  });
}

async function stepBegins({ sideEffects }: Stage, order: string, step: string): Promise<void> {
  await until(`step "${step}" of ${order}`, async () =>
    sideEffectsOf(sideEffects, order).find((effect) => effect.step === step),
  );
}
