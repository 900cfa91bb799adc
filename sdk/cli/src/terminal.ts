/** What a command reads and writes; tests hand in their own. */
export interface Terminal {
  readonly stdout: (chunk: string | Uint8Array) => void;
  readonly stderr: (text: string) => void;
  readonly stdin: () => Promise<Buffer>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** stderr is a terminal, whose line can be written over. */
  readonly progressInPlace: boolean;
  /** stdout is a terminal too: what is written there moves what stands below. */
  readonly outputOnTerminal: boolean;
  /** Of a line now: a window may change. */
  readonly columns: () => number;
  /** Hears of the next Ctrl-C, instead of what it does otherwise, until the returned function is called. */
  readonly onInterrupt: (listener: () => void) => () => void;
}
