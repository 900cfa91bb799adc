import { randomUUID } from "node:crypto";
import { exchange } from "./scripted-parties.ts";

/** As a caller would: the same request id again, at whichever gateway answers, until one says 201. */
export async function start(
  urls: readonly string[],
  callback: string,
  token: string,
): Promise<string> {
  const requestId = randomUUID();
  const path = `/nexus/endpoints/crashing/services/jobs/run?callback=${encodeURIComponent(callback)}`;
  const headers = {
    authorization: `Bearer ${token}`,
    "nexus-request-id": requestId,
    prefer: "respond-async",
    "content-type": "application/json",
  };
  for (let n = 0; n < 60; n += 1) {
    for (const url of urls) {
      const reply = await exchange(url + path, headers, JSON.stringify({ requestId }));
      if (reply.status === 201) return (JSON.parse(reply.body) as { token: string }).token;
      if (reply.status >= 400 && reply.status < 500)
        throw new Error(`start was refused: ${reply.status} ${reply.body}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no gateway accepted a start");
}

export async function cancel(urls: readonly string[], id: string, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "nexus-operation-token": id };
  for (let n = 0; n < 60; n += 1) {
    for (const url of urls) {
      const reply = await exchange(
        `${url}/nexus/endpoints/crashing/services/jobs/run/cancel`,
        headers,
        "",
      );
      if (reply.status === 202) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("no gateway took the cancel");
}
