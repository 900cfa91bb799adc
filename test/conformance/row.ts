/** Repeated names are allowed: several lines of one header. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** `null`: the header must not be there. */
export type ExpectedHeaders = Readonly<Record<string, string | RegExp | null>>;

interface Row {
  readonly id: string;
  readonly title: string;
}

/** What the handler behind a start server does with a call that reaches it. */
export type Behaviour =
  | { readonly kind: "echo" }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "links" }
  | { readonly kind: "async"; readonly token: string }
  | { readonly kind: "cancel-accepted" }
  | {
      readonly kind: "handler-error";
      readonly type: string;
      readonly message: string;
      readonly retryable?: boolean;
      readonly cause?: { readonly message: string };
    }
  | {
      readonly kind: "operation-error";
      readonly state: "failed" | "canceled";
      readonly message: string;
      readonly cause?: { readonly message: string };
    }
  | { readonly kind: "throws"; readonly text: string };

/** What the handler must have seen; `null`: it must not have been called. */
export interface Seen {
  readonly service?: string;
  readonly operation?: string;
  readonly body?: string;
  readonly headers?: ExpectedHeaders;
  readonly callbackUrl?: string;
  readonly token?: string;
}

export interface StartServerRow extends Row {
  readonly request: {
    readonly method?: string;
    /** Behind the base, escaped. */
    readonly path: string;
    readonly headers?: HeaderLines;
    readonly body?: string | Buffer;
    /** Without a length, as Go sends a body that it does not know. */
    readonly chunked?: true;
  };
  readonly handler?: Behaviour;
  readonly expect: {
    readonly status: number;
    readonly headers?: ExpectedHeaders;
    readonly body?: string | RegExp;
    /** Of the Failure that the body holds. */
    readonly message?: string | RegExp;
    readonly failure?: unknown;
    readonly seen?: Seen | null;
  };
}

export interface RawReply {
  readonly status: number;
  readonly headers?: HeaderLines;
  readonly body?: string;
}

/**
 * What a start client makes of a reply: `value:BODY`, `started:TOKEN`, `failed:MESSAGE`, `canceled:MESSAGE`,
 * `error:TYPE:final`, `error:TYPE:retry`, `unexpected` (worth another try).
 */
export type Made = string;

export interface StartClientRow extends Row {
  readonly reply: RawReply;
  readonly expect: Made;
}

export interface CompletionReceiverRow extends Row {
  readonly completions: readonly {
    readonly headers: HeaderLines;
    readonly body: string;
    readonly status: number;
    readonly message?: string;
  }[];
  /** Of the first completion, where it is accepted: `succeeded:BODY`, `failed:MESSAGE`, `canceled:MESSAGE`, `…, caused by TYPE`. */
  readonly outcome?: string;
}

/** How an operation ended, in its sender. */
export type Ended =
  | { readonly kind: "value"; readonly value: unknown }
  | {
      readonly kind: "failed" | "canceled";
      readonly message: string;
      readonly cause?: { readonly message: string };
    };

export interface CompletionSenderRow extends Row {
  readonly ended: Ended;
  readonly callbackHeaders?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly expect?: {
    readonly headers?: ExpectedHeaders;
    readonly body?: string | RegExp;
    readonly query?: string;
  };
  /** The receiver's answer, and what the sender does then. */
  readonly reply?: RawReply;
  readonly then?: "delivered" | "retried" | "refused";
}
