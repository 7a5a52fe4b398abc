import { deadLettersCollection, type DeadLetterDocument } from '#orders/dead-letters.js';
import { readOrigin } from '#orders/record-headers.js';
import { readRedrive } from '#orders/redrive-headers.js';
import { DEAD_LETTER_HEADERS } from '#parallel-consumer/attempts/dead-letter.js';
import type { ConsumedRecord } from '#parallel-consumer/record.js';
import type { Mongo } from '#service/mongo.js';

/**
 * Stores one letter, if it isn't there: its state is never set back. One whose record was sent again is no new one: the letter that it was sent
 * for is pending again. Whatever isn't one of this pipeline's is left alone.
 */
export async function projectDeadLetter(mongo: Mongo, record: ConsumedRecord): Promise<void> {
  const letter = deadLetterDocument(record);
  if (letter === undefined) return;
  const letters = deadLettersCollection(mongo.db);
  const again = readRedrive(record.headers);
  const { _id, ...fields } = again === undefined ? letter : { ...letter, _id: again.letterId, redrives: again.redrive };
  const { upsertedCount } = await letters.updateOne({ _id }, { $setOnInsert: fields }, { upsert: true });
  if (again === undefined || upsertedCount > 0) return;
  const { redrive } = again;
  const { letter: at, error, attempts, deadLetteredAt } = letter;
  const ended = { 'tries.$[open].outcome': 'returned', 'tries.$[open].endedAt': deadLetteredAt };
  await letters.updateOne(
    // Not of an earlier redrive than the last: this topic may be read again.
    {
      _id,
      $or: [
        { redrives: { $exists: false } },
        { redrives: { $lt: redrive } },
        { redrives: redrive, state: 'redriving' },
      ],
    },
    { $set: { state: 'pending', letter: at, error, attempts, redrives: redrive, ...ended } },
    { arrayFilters: [{ 'open.outcome': null }] },
  );
}

export function deadLetterDocument(record: ConsumedRecord): DeadLetterDocument | undefined {
  const text = (name: keyof typeof DEAD_LETTER_HEADERS): string =>
    record.headers[DEAD_LETTER_HEADERS[name]]?.toString() ?? '';
  const topic = text('topic');
  const [partition, offset, timestamp] = [text('partition'), text('offset'), text('timestamp')].map((each) =>
    Number(each || 'none'),
  );
  if (topic === '' || partition === undefined || offset === undefined || timestamp === undefined) return undefined;
  if (![partition, offset, timestamp].every(Number.isSafeInteger)) return undefined;
  const origin = readOrigin(record.headers);
  return {
    _id: `${topic}/${partition}/${offset}`,
    state: 'pending',
    origin: { topic, partition, offset, timestamp: new Date(timestamp) },
    letter: { partition: record.partition, offset: record.offset },
    operationId: origin?.operationId ?? null,
    index: origin?.index ?? null,
    fault: origin?.fault ?? null,
    error: { code: text('errorCode'), message: text('errorMessage') },
    attempts: Number(text('attempts')),
    deadLetteredAt: new Date(record.timestamp),
    redrives: 0,
    tries: [],
  };
}
