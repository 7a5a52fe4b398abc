/** A standard stream, as far as this command line uses it. */
export interface TextStream {
  write(text: string): unknown;
  /** Whether a person looks at it; undefined for pipes and files. */
  readonly isTTY?: boolean | undefined;
  /** The width in characters, of a TTY only. */
  readonly columns?: number | undefined;
}

/** Results go to `out`, so that they can be piped; progress, hints and errors to `err`. */
export interface Terminal {
  readonly out: TextStream;
  readonly err: TextStream;
}
