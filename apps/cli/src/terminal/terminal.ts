/** The members of a standard stream that the CLI uses. */
export interface TextStream {
  write(text: string): unknown;
  /** Whether the stream is a terminal; undefined for pipes and files. */
  readonly isTTY?: boolean | undefined;
  /** The width in characters; only of a TTY. */
  readonly columns?: number | undefined;
}

/** The output streams: results go to `out`, so that they can be piped; progress, hints and errors go to `err`. */
export interface Terminal {
  readonly out: TextStream;
  readonly err: TextStream;
}
