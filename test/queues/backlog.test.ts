import { afterAll, beforeAll, expect, test } from "vitest";
import { createQueueBacklog } from "../../gateway/src/operations/queue-backlog.ts";
import { fillQueue } from "../harness/fill-queue.ts";
import { newOperation, openStoreFixture, type StoreFixture } from "../store/store-fixture.ts";

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await openStoreFixture();
});
afterAll(() => fixture.close());

async function put(queueId: number): Promise<string> {
  const operation = newOperation({ priority: 3, initial: { kind: "queued", queueId } });
  await fixture.store.accept(operation);
  return operation.id;
}

test("a long queue is counted once in a while, a short one each time", async () => {
  let monotonic = 0;
  const backlogOf = createQueueBacklog(fixture.store, { monotonic: () => monotonic });
  const depths = async () => {
    const found = await backlogOf([1, 2, 3]);
    return [1, 2, 3].map((id) => found.get(id)?.reduce((sum, { depth }) => sum + depth, 0));
  };
  const first = await put(1);
  await put(2);
  expect(await depths()).toEqual([1, 1, 0]);
  await fillQueue(fixture.pool, first, 10_000);
  expect(await depths()).toEqual([10_001, 1, 0]);
  await put(1);
  await put(2);
  expect(await Promise.all([depths(), depths()])).toEqual([
    [10_001, 2, 0],
    [10_001, 2, 0],
  ]);
  monotonic = 5_000;
  expect(await depths()).toEqual([10_002, 2, 0]);
});

test("a count that failed is made again", async () => {
  let broken = true;
  const backlogOf = createQueueBacklog(
    {
      backlog: (ids) =>
        broken ? Promise.reject(new Error("no database")) : fixture.store.backlog(ids),
    },
    { monotonic: () => 0 },
  );
  await expect(backlogOf([2])).rejects.toThrow("no database");
  broken = false;
  expect((await backlogOf([2])).get(2)).toHaveLength(1);
});
