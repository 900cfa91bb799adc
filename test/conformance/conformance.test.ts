import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exceptions } from "./exceptions.ts";
import { completionReceiverRows } from "./rows/completion-receiver.ts";
import { completionSenderRows } from "./rows/completion-sender.ts";
import { startClientRows } from "./rows/start-client.ts";
import { startServerRows } from "./rows/start-server.ts";
import type { Subject } from "./subject.ts";
import { startGatewaySubject } from "./subjects/gateway.ts";
import { callbackReceiver, client, completer, handlerServer } from "./subjects/sdk.ts";

const subjects: Readonly<Record<string, () => Subject | Promise<Subject>>> = {
  "SDK handler server": () => handlerServer,
  "SDK client": () => client,
  "SDK callback receiver": () => callbackReceiver,
  "SDK completeOperation": () => completer,
  // Last: the others need no database, and a removed rule is noticed by them sooner.
  gateway: startGatewaySubject,
};
const roles = {
  startServer: startServerRows,
  startClient: startClientRows,
  completionReceiver: completionReceiverRows,
  completionSender: completionSenderRows,
} as const;
/** Who has which role is data too: a role that a subject loses must not go unnoticed. */
const holders: Readonly<Record<keyof typeof roles, readonly string[]>> = {
  startServer: ["gateway", "SDK handler server"],
  startClient: ["gateway", "SDK client"],
  completionReceiver: ["gateway", "SDK callback receiver"],
  completionSender: ["gateway", "SDK completeOperation"],
};

for (const [name, start] of Object.entries(subjects)) {
  describe(name, () => {
    let subject: Subject;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.close());

    for (const role of Object.keys(roles) as (keyof typeof roles)[]) {
      if (!holders[role].includes(name)) continue;
      describe(role, () => {
        for (const row of roles[role]) {
          const excepted = exceptions.some((one) => one.subject === name && one.row === row.id);
          (excepted ? test.fails : test)(`${row.id} ${row.title}`, async () => {
            const run = subject[role] as ((row: unknown) => Promise<void>) | undefined;
            if (run === undefined) throw new Error(`${name} has no role ${role}`);
            await run(row);
          });
        }
      });
    }
  });
}

test("there are at most 8 exceptions, each of a row and a subject that exist", () => {
  expect(exceptions.length).toBeLessThanOrEqual(8);
  const ids = Object.values(roles).flatMap((rows) => rows.map(({ id }) => id));
  expect(new Set(ids).size, "row ids are unique").toBe(ids.length);
  for (const { subject, row, reason } of exceptions) {
    expect(Object.keys(subjects)).toContain(subject);
    expect(ids).toContain(row);
    expect(reason).not.toBe("");
  }
});
