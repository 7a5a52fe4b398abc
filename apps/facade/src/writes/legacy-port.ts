/** An answer in the form of the legacy system: its own, or one that looks like it. */
export interface LegacyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | Uint8Array;
}

/** A request of a client, to be sent to the legacy system. */
export interface ForwardedRequest {
  /** With the query string. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
}

/** The request was not sent, because the legacy system is known to be away: it is certain that it was not carried out. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
}

/** The legacy system's API, for requests that are passed on. */
export interface LegacyPort {
  /** @throws NotSentError, or another Error if there is no answer and the request may have been carried out */
  post(request: ForwardedRequest): Promise<LegacyAnswer>;

  /** Returns the highest number in use, 0 without an order. @throws Error if there is no answer */
  highestNumber(signal: AbortSignal): Promise<number>;
}
