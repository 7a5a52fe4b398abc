/** An order as one side stores it, in one form for both, made without the product's translation. */
export interface StoredOrder {
  readonly id: string;
  /** The legacy number. */
  readonly number: number;
  readonly accountId: string;
  /** The serial of the write: see `WrittenOrder`. */
  readonly quantity: number;
  /** All other fields as text, to be compared. */
  readonly content: string;
}

/** The orders of one side, as its files or its collection have them. */
export type StoredSide = readonly StoredOrder[];
