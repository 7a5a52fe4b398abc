import { Readable } from 'node:stream';

/** Up to this size an answer is sent as a whole. A longer one is sent while it arrives, in bounded memory. */
const WHOLE_BYTES = 1024 * 1024;

/** The body of an answer: a whole one, or the rest of a long one while it arrives. */
export type AnswerBody = Buffer | Readable;

/**
 * Reads the beginning of an answer, so that a side that fails before it gives an error and no broken answer. A longer answer that
 * breaks off ends the client's connection: the client must not take it for a whole one.
 * @param onWhole called with the whole answer once it has arrived, unless it has more than `keptBytes`
 */
export async function answerBody(
  pieces: AsyncIterable<Uint8Array>,
  keptBytes: number,
  onWhole: (bytes: Uint8Array<ArrayBuffer>) => void,
): Promise<AnswerBody> {
  const iterator = pieces[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  for (let length = 0; length <= WHOLE_BYTES;) {
    const { done, value } = await iterator.next();
    if (done) {
      const whole = joined(read);
      onWhole(whole);
      return Buffer.from(whole.buffer);
    }
    read.push(value);
    length += value.length;
  }
  return Readable.from(whileItArrives(read, { [Symbol.asyncIterator]: () => iterator }, keptBytes, onWhole), {
    objectMode: false,
  });
}

async function* whileItArrives(
  read: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
  keptBytes: number,
  onWhole: (bytes: Uint8Array<ArrayBuffer>) => void,
): AsyncGenerator<Uint8Array> {
  let kept: Uint8Array[] | undefined = [];
  let length = 0;
  const keep = (piece: Uint8Array): void => {
    length += piece.length;
    if (length > keptBytes) kept = undefined;
    else kept?.push(piece);
  };
  for (const piece of read) {
    keep(piece);
    yield piece;
  }
  for await (const piece of rest) {
    keep(piece);
    yield piece;
  }
  if (kept !== undefined) onWhole(joined(kept));
}

/** Of its own memory, so that a worker thread can take it over. */
function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
