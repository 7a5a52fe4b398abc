import type { TranslationReason } from '#legacy/translation/translation-reason.js';

/** A field whose values differ: the legacy system's value, and the value that the new side would answer in its place. */
export interface DifferingField {
  readonly path: string;
  readonly legacy: unknown;
  readonly new: unknown;
}

/**
 * A difference between the two sides, found by comparing all orders with one legacy number.
 * - `missing-in-new`: only the legacy system has the order. `reason` says why it can't be translated, if that is the cause.
 * - `missing-in-legacy`: only the new side has it.
 * - `differs`: both have it, with other values.
 * - `doubled`: a side has more than one order with the number.
 * - `unreadable`: the legacy system answered with something that has no number of the page.
 */
export type Difference =
  | {
      readonly kind: 'missing-in-new';
      readonly number: number;
      readonly id: string | null;
      readonly reason?: TranslationReason;
    }
  | { readonly kind: 'missing-in-legacy'; readonly number: number; readonly id: string }
  | {
      readonly kind: 'differs';
      readonly number: number;
      readonly id: string | null;
      readonly fields: readonly DifferingField[];
    }
  | {
      readonly kind: 'doubled';
      readonly number: number;
      readonly side: 'legacy' | 'new';
      readonly ids: readonly (string | null)[];
    }
  | { readonly kind: 'unreadable'; readonly number: null; readonly row: string };
