import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { waitFor } from "../../harness/wait-for.ts";

/** JSON of the Go program; see `wire.go`. Data is base64, header names are without `content-`. */
interface Content {
  readonly header: Readonly<Record<string, string>>;
  readonly data: string;
}

export interface Link {
  readonly url: string;
  readonly type: string;
}

interface Failure {
  readonly message?: string;
  readonly metadata?: Record<string, string>;
  readonly details?: unknown;
  readonly cause?: Failure;
}

/** An error as a handler was told to return it, and as a caller decoded it. */
export interface ErrorShape {
  readonly kind: "handler" | "operation" | "failure" | "unexpected";
  readonly type?: string;
  readonly state?: string;
  readonly message?: string;
  readonly retryable?: boolean;
  readonly failure?: Failure;
  readonly cause?: ErrorShape;
}

interface StartSeen {
  readonly event: "start";
  readonly service: string;
  readonly operation: string;
  readonly requestId: string;
  readonly callbackUrl: string;
  readonly header: Readonly<Record<string, string>>;
  readonly links: readonly Link[];
  readonly input: Content;
}

interface CancelSeen {
  readonly event: "cancel";
  readonly service: string;
  readonly operation: string;
  readonly token: string;
}

export interface Answer {
  readonly event: "answer" | "completed";
  readonly id: number;
  readonly sync?: Content;
  readonly token?: string;
  readonly links?: readonly Link[];
  readonly error?: ErrorShape;
}

export interface CompletionSeen {
  readonly event: "completion";
  readonly state: string;
  readonly token: string;
  readonly startTime: string;
  readonly closeTime: string;
  readonly links: readonly Link[];
  readonly header: Readonly<Record<string, string>>;
  readonly result?: Content;
  readonly error?: ErrorShape;
}

type Event =
  | { readonly event: "listening"; readonly url: string }
  | StartSeen
  | CancelSeen
  | Answer
  | CompletionSeen;

type EventOf<K extends Event["event"]> = Extract<Event, { readonly event: K }>;

export interface Reference {
  /** The handler's target URL, or the completion receiver's. */
  readonly url: string;
  /** Waits for the first event of its kind that matches. */
  seen<K extends Event["event"]>(
    kind: K,
    what: string,
    matches: (event: EventOf<K>) => boolean,
  ): Promise<EventOf<K>>;
  /** One command; resolves with its answer. */
  ask(command: Readonly<Record<string, unknown>>): Promise<Answer>;
  close(): Promise<void>;
}

const folder = fileURLToPath(new URL(".", import.meta.url));
const binary = `${folder}dist/interop`;

/**
 * Compiles the Go program; Go itself knows when there is nothing to do. False where Go is missing, which CI does not
 * forgive.
 */
export function buildReference(): boolean {
  const { error, status, stderr } = spawnSync("go", ["build", "-mod=readonly", "-o", binary, "."], {
    cwd: folder,
    encoding: "utf8",
  });
  if (error !== undefined) {
    if (process.env["CI"] !== undefined) throw new Error("CI needs Go", { cause: error });
    process.stderr.write(
      "\n*** Go is not installed: nothing was checked against the Go reference. ***\n\n",
    );
    return false;
  }
  if (status !== 0) throw new Error(`the Go program does not build:\n${stderr}`);
  return true;
}

/** One process of the Go program. */
export async function startReference(mode: "handle" | "call"): Promise<Reference> {
  const child = spawn(binary, [mode], { stdio: ["pipe", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const events: Event[] = [];
  let log = "";
  let ended = false;
  let commands = 0;
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  createInterface({ input: child.stdout }).on("line", (line) => {
    events.push(JSON.parse(line) as Event);
  });
  child.once("exit", () => (ended = true));

  function seen<K extends Event["event"]>(
    kind: K,
    what: string,
    matches: (event: EventOf<K>) => boolean,
  ): Promise<EventOf<K>> {
    return waitFor(
      what,
      () => {
        const found = events.find((event): event is EventOf<K> => {
          return event.event === kind && matches(event as EventOf<K>);
        });
        if (found === undefined && ended) throw new Error(`the Go program ended:\n${log}`);
        return found;
      },
      { ms: 20_000 },
    );
  }

  const { url } = await seen("listening", "the Go program to listen", () => true);
  return {
    url,
    seen,
    async ask(command) {
      const id = (commands += 1);
      child.stdin.write(`${JSON.stringify({ ...command, id })}\n`);
      const kind = mode === "call" ? "answer" : "completed";
      return seen(kind, `the answer to ${JSON.stringify(command)}`, (event) => event.id === id);
    },
    async close() {
      child.kill();
      await exited;
    },
  };
}
