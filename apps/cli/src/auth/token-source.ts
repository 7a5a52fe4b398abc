/** A 401 response of the producer. */
export interface TokenRejection {
  /** The reason in words for the terminal; undefined if the producer gave none. */
  readonly reason: string | undefined;
  /** Whether the token was renewed for this request, so that another renewal would not help. */
  readonly isNewToken: boolean;
  /** Aborts the renewal. */
  readonly signal?: AbortSignal | undefined;
}

/** Provides the bearer tokens of requests. */
export interface TokenSource {
  /** The current token; undefined: requests are sent without a token. */
  readonly token: string | undefined;
  /**
   * Gets another token after a 401 response.
   * @throws CliError if no other token is available
   */
  renew(rejection: TokenRejection): Promise<void>;
}
