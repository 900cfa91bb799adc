import { decodeTaskBatch } from "@nexus-mesh/sdk/protocol/task-batch";
import { headerNames } from "@nexus-mesh/sdk/protocol/headers";
import { exchange } from "./scripted-parties.ts";

/** A worker that takes what waits under the shortest lease, and is not heard of until its leases are over. */
export interface VanishedWorker {
  take(limit: number): Promise<void>;
  /** How many tasks it has taken. */
  taken(): number;
  /** Its answer after all, when it comes too late; the code of the refusal, null if it was taken. */
  answerLate(url: string, operationId: string): Promise<string | null>;
}

export function vanishedWorker(queueUrl: string, token: string): VanishedWorker {
  const authorization = `Bearer ${token}`;
  const taskTokens = new Map<string, string>();
  return {
    async take(limit) {
      const reply = await fetch(`${queueUrl}/poll?wait=10s`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify({ worker: "vanished", limit, lease: "1s" }),
      });
      if (reply.status !== 200) throw new Error(`a poll was answered ${reply.status}`);
      const bytes = new Uint8Array(await reply.arrayBuffer());
      for (const { headers } of decodeTaskBatch(reply.headers.get("content-type") ?? "", bytes))
        taskTokens.set(
          headers[headerNames.operationId] ?? "",
          headers[headerNames.taskToken] ?? "",
        );
    },
    taken: () => taskTokens.size,
    async answerLate(url, operationId) {
      const reply = await exchange(
        `${url}/v1/tasks/complete`,
        {
          authorization,
          "content-type": "application/json",
          [headerNames.taskToken]: taskTokens.get(operationId) ?? "",
        },
        JSON.stringify("too late"),
      );
      if (reply.status === 204) return null;
      return (JSON.parse(reply.body) as { code: string }).code;
    },
  };
}
