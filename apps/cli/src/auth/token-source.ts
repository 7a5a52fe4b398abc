/** Why the producer did not let a request pass (401). */
export interface Refusal {
  /** In words for the terminal; undefined where none came. */
  readonly reason: string | undefined;
  /** Whether the token was got for this very request, so that another would fare no better. */
  readonly isOfNewToken: boolean;
  /** Ends the getting of another. */
  readonly signal?: AbortSignal | undefined;
}

/** Where the bearer tokens of requests come from. */
export interface TokenSource {
  /** What requests are sent with now; undefined: without one. */
  readonly token: string | undefined;
  /**
   * Gets another token, after a refusal.
   * @throws CliError where none is to be had
   */
  renew(refusal: Refusal): Promise<void>;
}
