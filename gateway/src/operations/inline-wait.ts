import type { OutcomeRow } from "../store/store.ts";

/**
 * A caller that waits for the first attempt. Whoever settles claims it first, so that the settle statement can say that
 * the outcome is taken here and no callback is owed; once claimed, only that settle's result answers.
 */
export interface InlineWait {
  /** True once, and only while the caller still waits. */
  claim(): boolean;
  /** Ends the wait: with the outcome, or without (201). Later calls change nothing. */
  answer(reply: InlineReply): void;
  readonly reply: Promise<InlineReply>;
}

export type InlineReply =
  | { readonly kind: "ended"; readonly outcome: OutcomeRow }
  | { readonly kind: "started"; readonly links: string | undefined }
  /** Whether the outcome was taken is not known: only the caller's repeat can tell. */
  | { readonly kind: "unknown"; readonly error: unknown };

export function createInlineWait(ms: number): InlineWait {
  let claimed = false;
  let answered = false;
  let resolve: (reply: InlineReply) => void;
  const reply = new Promise<InlineReply>((done) => {
    resolve = done;
  });
  const answer = (value: InlineReply): void => {
    if (answered) return;
    answered = true;
    clearTimeout(timer);
    resolve(value);
  };
  const timer = setTimeout(
    () => {
      if (!claimed) answer({ kind: "started", links: undefined });
    },
    Math.max(0, ms),
  );
  return {
    reply,
    answer,
    claim() {
      if (answered || claimed) return false;
      claimed = true;
      return true;
    },
  };
}
