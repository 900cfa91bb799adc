/** What a command reads and writes; tests hand in their own. */
export interface Terminal {
  readonly stdout: (chunk: string | Uint8Array) => void;
  readonly stderr: (text: string) => void;
  readonly stdin: () => Promise<Buffer>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** stderr is a terminal, whose line can be written over. */
  readonly progressInPlace: boolean;
}
