import type { CallbackState } from "./store.ts";

/** Stored numbers. waiting: attached to an operation that has not ended. */
export const callbackCodes: Readonly<Record<CallbackState, number>> = {
  waiting: 0,
  due: 1,
  delivered: 2,
  parked: 3,
};
export const callbackNames = Object.keys(callbackCodes) as CallbackState[];
