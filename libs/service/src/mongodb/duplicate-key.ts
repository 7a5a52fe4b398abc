const DUPLICATE_KEY = 11_000;

/** Returns whether a write failed because another document has the same value of a unique index, such as the same `_id`. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY;
}
