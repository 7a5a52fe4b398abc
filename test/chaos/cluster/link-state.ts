/**
 * What a link does with what passes through it.
 * - `open`: it passes
 * - `cut`: connections are reset, and new ones too
 * - `slow`: every piece comes so much later, in its order
 * - `silent`: connections stand and are accepted, and nothing comes through, not even that the other side has gone; all of it comes
 *   through once the link is open again, as after a cable that was pulled
 * - `unanswered`: what is asked arrives, and with the first byte of an answer the connection is reset: whoever asked can't know
 */
export type LinkState =
  { readonly kind: 'open' | 'cut' | 'silent' | 'unanswered' } | { readonly kind: 'slow'; readonly delayMs: number };
