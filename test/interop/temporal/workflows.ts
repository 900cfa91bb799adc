import {
  CancellationScope,
  ApplicationFailure,
  condition,
  createNexusServiceClient,
  defineQuery,
  defineSignal,
  setHandler,
  type NexusOperationCancellationType,
} from "@temporalio/workflow";
import { cases, reports, type CaseInput, type RefuseInput, type ReportInput } from "./contract.ts";
import { seenError, type SeenError } from "./seen-error.ts";

export type Call = {
  readonly endpoint: string;
  readonly scheduleToCloseTimeout?: string;
  readonly cancellationType?: NexusOperationCancellationType;
  /** Stay open after the outcome until signalled, as a workflow would that has more to do. */
  readonly stay?: boolean;
} & (
  | { readonly input: CaseInput }
  | { readonly echo: unknown }
  | { readonly refuse: RefuseInput }
  | { readonly build: ReportInput }
);

export type Seen = { readonly value: unknown } | { readonly error: SeenError };

export const cancelOperation = defineSignal("cancelOperation");
export const leave = defineSignal("leave");
export const started = defineQuery<boolean>("started");
export const seen = defineQuery<Seen | undefined>("seen");

/** The caller's workflow: one operation, and what came of it. */
export async function call(given: Call): Promise<Seen> {
  const scope = new CancellationScope({ cancellable: true });
  let outcome: Seen | undefined;
  let running = false;
  let left = given.stay !== true;
  setHandler(cancelOperation, () => scope.cancel());
  setHandler(leave, () => {
    left = true;
  });
  setHandler(started, () => running);
  setHandler(seen, () => outcome);
  try {
    const value = await scope.run(async () => {
      const handle = await start(given);
      running = true;
      return handle.result();
    });
    outcome = { value };
  } catch (error) {
    outcome = { error: seenError(error) };
  }
  await condition(() => left);
  return outcome;
}

function start(given: Call) {
  const { endpoint, scheduleToCloseTimeout, cancellationType } = given;
  const options = {
    ...(scheduleToCloseTimeout === undefined
      ? {}
      : { scheduleToCloseTimeout: scheduleToCloseTimeout as "1s" }),
    ...(cancellationType === undefined ? {} : { cancellationType }),
  };
  if ("input" in given)
    return createNexusServiceClient({ endpoint, service: cases }).startOperation(
      "run",
      given.input,
      options,
    );
  const client = createNexusServiceClient({ endpoint, service: reports });
  if ("echo" in given) return client.startOperation("echo", given.echo, options);
  if ("refuse" in given) return client.startOperation("refuse", given.refuse, options);
  return client.startOperation("build", given.build, options);
}

/** The handler's workflow. It ends as it was told, or, told to wait, when it is signalled. */
export const goOn = defineSignal("goOn");

export async function report({ then }: ReportInput): Promise<{ rows: number }> {
  if (then === "fail") {
    throw ApplicationFailure.create({
      message: "no rows",
      type: "ReportFailed",
      details: [{ rows: 0, why: "ä" }],
      nonRetryable: true,
      cause: ApplicationFailure.create({ message: "disk is full", type: "DiskFull" }),
    });
  }
  let on = then !== "wait";
  setHandler(goOn, () => {
    on = true;
  });
  await condition(() => on);
  return { rows: 3 };
}
