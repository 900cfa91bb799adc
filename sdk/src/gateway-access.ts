import type { Dispatcher } from "undici";
import type { HttpReply } from "./http-exchange.ts";
import type { RetryOptions } from "./retry.ts";

/** How one of the SDK's clients reaches the mesh. */
export interface GatewayAccess {
  /** The public URL, without a slash at its end. */
  readonly base: string;
  /** Asked anew for each request: a token may have been renewed. */
  readonly headers: () => Record<string, string> | Promise<Record<string, string>>;
  readonly retry: RetryOptions | undefined;
  /** One request, in ms. */
  readonly requestTimeoutMs: number;
  readonly dispatcher: Dispatcher | undefined;
  /** A final answer as the error that this client throws. */
  readonly refusal: (reply: HttpReply) => Error;
}
