/** 409: it contradicts a stored order. */
const FINAL = new Set([400, 409, 413, 422]);

/**
 * Returns whether a status refuses an order for ever. Others may change without the order: a wrong token (401), a wrong address (404),
 * too many requests (429), a failure (5xx). The order may then still be stored.
 */
export function isFinalRefusal(status: number): boolean {
  return FINAL.has(status);
}
