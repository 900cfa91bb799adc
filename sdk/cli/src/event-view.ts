import type { BlockedEvent, OperationEvent, ProgressEvent } from "@nexus-mesh/sdk/admin";
import { blockedText, eventLine, progressText } from "./event-line.ts";
import { fitted, printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";

const clear = "\r\u001b[K";
const colors = { red: 31, green: 32, yellow: 33 } as const;

/** How an operation's events are shown while they come. */
export interface EventView {
  event(event: OperationEvent): void;
  /** The stream broke, and is asked for again in so many ms. */
  interrupted(error: Error, retryInMs: number): void;
  resumed(): void;
  end(): void;
}

/** On a terminal: one line that is written over, above it those of states and attempts. */
export function createLiveView(
  terminal: Terminal,
  operation: { readonly state: string; readonly createdAt: string },
  /** Takes the lines that stay. */
  print: (line: string) => void,
): EventView {
  const createdAt = Date.parse(operation.createdAt);
  let state = operation.state;
  let failedTries = 0;
  let progress: ProgressEvent | undefined;
  let blocked: BlockedEvent | undefined;
  let broken: { readonly why: string; readonly retryAt: number } | undefined;
  let over = false;
  const ticking = setInterval(draw, 1_000);
  draw();

  function draw(): void {
    if (!over) terminal.stderr(`${clear}${fitted(text(), terminal.columns() - 1)}`);
  }

  function text(): string {
    const now = Date.now();
    const parts = [elapsed(now - createdAt), state];
    if (progress !== undefined) parts.push(...bar(progress, terminal.columns()));
    if (failedTries > 0) parts.push(`failed tries: ${failedTries}`);
    if (broken !== undefined)
      parts.push(`no connection, again in ${elapsed(broken.retryAt - now)}: ${broken.why}`);
    else if (blocked !== undefined && blocked.reason !== null)
      parts.push(blockedText(blocked, inTime(blocked.until, now)));
    if (progress !== undefined) parts.push(progressText(progress));
    return parts.join("  ");
  }

  function stay(event: OperationEvent, color?: keyof typeof colors): void {
    const line = eventLine(event, new Date());
    terminal.stderr(clear);
    print(`${color === undefined ? line : painted(terminal, color, line)}\n`);
  }

  return {
    event(event) {
      switch (event.type) {
        case "state":
          ({ state } = event);
          stay(event);
          break;
        case "attempt":
          if (event.kind === "start" && event.error !== null) failedTries += 1;
          stay(event, event.error === null ? undefined : "yellow");
          break;
        case "blocked":
          blocked = event;
          break;
        case "progress":
          progress = event;
          break;
        case "outcome":
          over = true;
          stay(event, event.state === "succeeded" ? "green" : "red");
      }
      draw();
    },
    interrupted(error, retryInMs) {
      broken = { why: printable(error.message), retryAt: Date.now() + retryInMs };
      draw();
    },
    resumed() {
      broken = undefined;
      draw();
    },
    end() {
      clearInterval(ticking);
      if (!over) terminal.stderr(clear);
      over = true;
    },
  };
}

/** Elsewhere: a line for each event, and two on stderr for each outage. */
export function createLineView(terminal: Terminal, print: (line: string) => void): EventView {
  let broken = false;
  return {
    event(event) {
      print(`${eventLine(event, new Date())}\n`);
    },
    interrupted(error) {
      if (!broken) terminal.stderr(`no connection, trying again: ${printable(error.message)}\n`);
      broken = true;
    },
    resumed() {
      terminal.stderr("connected again\n");
      broken = false;
    },
    end: () => undefined,
  };
}

/** One object a line (NDJSON). */
export function createJsonView(print: (line: string) => void): EventView {
  return {
    event: (event) => print(`${JSON.stringify(event)}\n`),
    interrupted: () => undefined,
    resumed: () => undefined,
    end: () => undefined,
  };
}

/** None where there is no room for one. */
function bar({ step, of }: ProgressEvent, columns: number): string[] {
  const width = columns >= 80 ? 20 : columns >= 50 ? 10 : 0;
  if (step === null || of === null || of === 0 || width === 0) return [];
  const done = Math.round(Math.min(1, step / of) * width);
  return [`[${"#".repeat(done)}${"-".repeat(width - done)}]`];
}

function inTime(until: string | null, now: number): string {
  return until === null ? "" : ` in ${elapsed(Date.parse(until) - now)}`;
}

/** `8s`, `2m05s`, `3h20m`; another clock's future is now. */
function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3_600)];
  const two = (n: number): string => String(n % 60).padStart(2, "0");
  return hours === 0 ? `${minutes}m${two(seconds)}s` : `${hours}h${two(minutes)}m`;
}

/** https://no-color.org */
function painted({ env }: Terminal, color: keyof typeof colors, text: string): string {
  const plain = env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "";
  return plain ? text : `\u001b[${colors[color]}m${text}\u001b[0m`;
}
