import type {
  CompletionReceiverRow,
  CompletionSenderRow,
  StartClientRow,
  StartServerRow,
} from "./row.ts";

/** An implementation under test. Each role runs one row and throws where it does not hold. */
export interface Subject {
  readonly startServer?: (row: StartServerRow) => Promise<void>;
  readonly startClient?: (row: StartClientRow) => Promise<void>;
  readonly completionReceiver?: (row: CompletionReceiverRow) => Promise<void>;
  readonly completionSender?: (row: CompletionSenderRow) => Promise<void>;
  close(): Promise<void>;
}
