import { createServer } from "node:http";
import { once } from "node:events";
import { freePort } from "@nexus-mesh/gateway/dev/free-port";
import { completeOperation, type CompletionOutcome } from "@nexus-mesh/sdk/complete-operation";
import { createHandlerServer } from "@nexus-mesh/sdk/handler";
import { HandlerStartOperationResult, serviceHandler, type StartOperationContext } from "nexus-rpc";
import { waitFor } from "../../harness/wait-for.ts";
import { cases, type CaseInput } from "./contract.ts";

/** One start, as the handler got it. */
export interface CaseStart {
  readonly ctx: StartOperationContext;
  readonly input: CaseInput;
  /** 1 at the first start of this case. */
  readonly nth: number;
  /** Names the case: what an asynchronous answer returns. */
  readonly token: string;
  complete(outcome: CompletionOutcome): Promise<void>;
}

type Answer = HandlerStartOperationResult;
export type Behaviour = (start: CaseStart) => Answer | Promise<Answer>;

/** A team's handler, written with the SDK, behind the mesh; each case has its own behaviour. */
export interface CaseHandler {
  readonly url: string;
  readonly port: number;
  /** How starts of the case are answered from now on. */
  when(name: string, behaviour: Behaviour): void;
  start(name: string, nth?: number): Promise<CaseStart>;
  canceled(name: string): Promise<void>;
  cancels(name: string): number;
  /** Only what one of these gateways signed is served from now on. */
  serve(gateway: string, endpoints: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export const later: Behaviour = ({ token }) => HandlerStartOperationResult.async(token);

export const now = (value: unknown): Answer => HandlerStartOperationResult.sync(value);

export async function startCaseHandler(): Promise<CaseHandler> {
  const behaviours = new Map<string, Behaviour>();
  const starts: CaseStart[] = [];
  const cancels: string[] = [];
  const startsOf = (name: string) => starts.filter(({ input }) => input.case === name);
  const service = serviceHandler(cases, {
    run: {
      start: async (ctx, input) => {
        const token = `run/${input.case}`;
        const start: CaseStart = {
          ctx,
          input,
          token,
          nth: startsOf(input.case).length + 1,
          complete: (outcome) =>
            completeOperation(
              {
                callbackUrl: ctx.callbackUrl ?? "",
                callbackHeaders: ctx.callbackHeaders,
                operationToken: token,
              },
              outcome,
            ),
        };
        starts.push(start);
        return (behaviours.get(input.case) ?? later)(start);
      },
      cancel: async (_ctx, token) => {
        cancels.push(token);
      },
    },
  });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/nexus`;
  const closing: (() => Promise<void>)[] = [];
  return {
    url,
    port,
    when: (name, behaviour) => void behaviours.set(name, behaviour),
    start: (name, nth = 1) =>
      waitFor(`start ${nth} of ${name}`, () => startsOf(name)[nth - 1], { ms: 40_000 }),
    async canceled(name) {
      await waitFor(`the cancel of ${name}`, () => cancels.includes(`run/${name}`), { ms: 20_000 });
    },
    cancels: (name) => cancels.filter((token) => token === `run/${name}`).length,
    async serve(gateway, endpoints) {
      const { listener } = createHandlerServer({
        services: [service],
        basePath: "/nexus",
        trust: { gateway, audience: url, endpoints: [...endpoints] },
        onError: () => undefined,
      });
      const server = createServer(listener).listen(port, "127.0.0.1");
      await once(server, "listening");
      closing.push(async () => {
        const closed = once(server, "close");
        server.close();
        server.closeAllConnections();
        await closed;
      });
    },
    close: async () => {
      for (const close of closing) await close();
    },
  };
}
