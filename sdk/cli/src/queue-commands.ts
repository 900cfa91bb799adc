import { everyPage, type Registration } from "./session.ts";
import { fields, table } from "./table.ts";

export function registerQueues({ program, session }: Registration): void {
  const queue = program.command("queue").description("what waits for a team's workers");

  queue
    .command("list <namespace>")
    .description("the queues of a namespace")
    .action(async (namespace: string) => {
      const { admin, show } = await session();
      const items = await everyPage(
        (cursor) =>
          admin.call("listQueues", {
            path: { namespace },
            query: { limit: 200, ...(cursor === undefined ? {} : { cursor }) },
          }),
        10_000,
      );
      show(items, () =>
        table(
          ["QUEUE", "DEPTH", "OLDEST", "WORKERS", "CREATED"],
          items.map((item) => [
            item.name,
            depthOf(item),
            item.oldestAge,
            item.workers.length,
            item.createdAt,
          ]),
        ),
      );
    });

  queue
    .command("get <namespace> <queue>")
    .description("what waits, since when and of whom, and who works")
    .action(async (namespace: string, name: string) => {
      const { admin, show } = await session();
      const found = await admin.call("getQueue", { path: { namespace, queue: name } });
      show(
        found,
        () =>
          fields([
            ["queue", found.name],
            ["namespace", found.namespace],
            ["depth", depthOf(found)],
            ["oldest", found.oldestAge],
            ["workers", found.workers.length],
          ]) +
          table(
            ["CALLER", "DEPTH", "OLDEST"],
            found.callers.map((caller) => [caller.namespace, depthOf(caller), caller.oldestAge]),
          ) +
          table(
            ["WORKER", "SEEN"],
            found.workers.map(({ worker, seenAt }) => [worker, seenAt]),
          ),
      );
    });

  queue
    .command("delete <namespace> <queue>")
    .description("delete a queue at which no endpoint points and in which nothing waits")
    .action(async (namespace: string, name: string) => {
      const { admin, show } = await session();
      await admin.call("deleteQueue", { path: { namespace, queue: name } });
      show(undefined, () => `queue ${name} is deleted\n`);
    });
}

function depthOf({ depth, countedAll }: { depth: number; countedAll: boolean }): string {
  return countedAll ? String(depth) : `${depth}+`;
}
