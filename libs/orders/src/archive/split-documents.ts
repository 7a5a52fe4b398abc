const LENGTH_BYTES = 4;
/** The bytes of an empty document. */
const LEAST_BYTES = 5;
/** MongoDB's limit, with room for what its own tools add. */
const MOST_BYTES = 17 * 2 ** 20;

/**
 * Splits bytes of a dump file, which are BSON documents one after another, into the complete documents at their begin, and the rest.
 * @param broken makes the error for a document that can't have its length
 */
export function splitDocuments(
  bytes: Buffer,
  broken: (length: number) => Error,
): { readonly documents: Buffer[]; readonly rest: Buffer } {
  const documents: Buffer[] = [];
  let at = 0;
  while (at + LENGTH_BYTES <= bytes.length) {
    const length = bytes.readInt32LE(at);
    if (length < LEAST_BYTES || length > MOST_BYTES) throw broken(length);
    if (at + length > bytes.length) break;
    documents.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { documents, rest: bytes.subarray(at) };
}
