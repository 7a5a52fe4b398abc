/**
 * How a link treats its traffic.
 * - `open`: forwards everything
 * - `cut`: resets existing and new connections
 * - `slow`: delays every piece by `delayMs` and keeps the order
 * - `silent`: keeps and accepts connections but forwards nothing, not even a close; forwards everything once the link is open again, as
 *   after a pulled cable
 * - `withheld`: forwards requests and drops the responses, so that the client waits until its time-out; once the link is open again, it
 *   resets the connections that lost a response
 * - `unanswered`: forwards requests and resets the connection at the first byte of a response, so that the client can't know the outcome
 */
export type LinkState =
  | { readonly kind: 'open' | 'cut' | 'silent' | 'withheld' | 'unanswered' }
  | { readonly kind: 'slow'; readonly delayMs: number };
