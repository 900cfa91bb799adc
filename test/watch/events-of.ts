import { request } from "undici";

export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventReader {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Those that have come so far. */
  readonly events: readonly ServerEvent[];
  /** Everything that came, comments too. */
  text(): string;
  /** Resolves when the gateway has ended the response; rejects when it was cut. */
  readonly ended: Promise<void>;
  leave(): void;
}

/** One answer of `…/events`, read as it comes. */
export async function eventsOf(
  url: string,
  operationId: string,
  token: string,
  lastEventId?: string,
): Promise<EventReader> {
  const controller = new AbortController();
  const reply = await request(`${url}/v1/operations/${operationId}/events`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
    signal: controller.signal,
    bodyTimeout: 0,
  });
  const events: ServerEvent[] = [];
  const chunks: string[] = [];
  let rest = "";
  const ended = (async () => {
    for await (const chunk of reply.body) {
      chunks.push((chunk as Buffer).toString());
      rest += chunks.at(-1) ?? "";
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      events.push(...blocks.flatMap((block) => parse(block) ?? []));
    }
  })();
  // Whoever looks at it hears of its failure; a reader that has left does not.
  ended.catch(() => undefined);
  return {
    status: reply.statusCode,
    headers: reply.headers,
    events,
    text: () => chunks.join(""),
    ended,
    leave: () => {
      controller.abort();
    },
  };
}

function parse(block: string): ServerEvent | undefined {
  const fields = new Map(
    block.split("\n").map((line): [string, string] => {
      const [name = "", ...value] = line.split(": ");
      return [name, value.join(": ")];
    }),
  );
  const [id, event, data] = [fields.get("id"), fields.get("event"), fields.get("data")];
  if (id === undefined || event === undefined || data === undefined) return undefined;
  return { id, event, data: JSON.parse(data) as Record<string, unknown> };
}
