import { Injectable } from '@nestjs/common';
import { MongoBulkWriteError, type AnyBulkWriteOperation, type Collection, type WriteError } from 'mongodb';
import { deadLettersCollection, type DeadLetterDocument } from '#orders/dead-letters.js';
import { readOrigin } from '#orders/record-headers.js';
import { readRedrive } from '#orders/redrive-headers.js';
import { batchHandler, type BatchItem, type BatchResult } from '#parallel-consumer/attempts/batch-handler.js';
import { DEAD_LETTER_HEADERS } from '#parallel-consumer/attempts/dead-letter.js';
import type { RecordHandler } from '#parallel-consumer/options.js';
import type { ConsumedRecord } from '#parallel-consumer/record.js';
import { Mongo } from '#service/mongo.js';

/** One durable write for each letter would take most of MongoDB's time from the orders when one record in ten is poison. */
const BATCHES = { maxBatchSize: 500, maxBatchWaitMs: 20 };

/** MongoDB refused this very letter, and took its neighbours. */
export class LetterRefusedError extends Error {
  override readonly name = 'LetterRefusedError';
  readonly code = 'refused-by-database';
}

type LetterWrite = AnyBulkWriteOperation<DeadLetterDocument>;

interface WriteOfRecord {
  /** Place of the record in its batch. */
  readonly at: number;
  readonly write: LetterWrite;
}

interface WritesOfRecord {
  readonly at: number;
  readonly insert: LetterWrite;
  /** Where the letter is known already, of a record that a redrive sent again. */
  readonly putBack?: LetterWrite;
}

/**
 * Stores letters that are not stored yet: the state of a letter is never set back. A letter whose record was sent again by a redrive is no
 * new one: the letter that was sent again is pending again. A record that is no letter of this pipeline is left alone.
 */
@Injectable()
export class DeadLetterProjection {
  /** Resolves once the letter is durable, together with its neighbours. @throws what MongoDB refused it with */
  readonly project: RecordHandler;

  constructor(private readonly mongo: Mongo) {
    this.project = batchHandler({ handle: async (items) => this.projectTogether(items), ...BATCHES });
  }

  private async projectTogether(items: readonly BatchItem[]): Promise<BatchResult[]> {
    const results: BatchResult[] = items.map(() => undefined);
    const letters = deadLettersCollection(this.mongo.db);
    const projected = items.flatMap(({ record }, at) => toWrites(record, at) ?? []);
    const inserts = projected.map(({ at, insert }) => ({ at, write: insert }));
    const inserted = await writeEach(letters, inserts, results);
    const known = projected.filter(({ at }) => !inserted.has(at) && results[at] === undefined);
    const putBacks = known.flatMap(({ at, putBack }) => (putBack === undefined ? [] : { at, write: putBack }));
    await writeEach(letters, putBacks, results);
    return results;
  }
}

/**
 * @param results receives the error of each record whose letter MongoDB refused
 * @returns the places of the records whose letters were inserted
 * @throws when nothing is certain of any
 */
async function writeEach(
  letters: Collection<DeadLetterDocument>,
  writes: readonly WriteOfRecord[],
  results: BatchResult[],
): Promise<Set<number>> {
  if (writes.length === 0) return new Set();
  const placesOf = (upserted: Readonly<Record<number, unknown>>): Set<number> =>
    new Set(writes.flatMap(({ at }, index) => (index in upserted ? at : [])));
  try {
    const { upsertedIds } = await letters.bulkWrite(
      writes.map(({ write }) => write),
      { ordered: false },
    );
    return placesOf(upsertedIds);
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) throw error;
    const failures = new Map([error.writeErrors].flat().map((each: WriteError) => [each.index, each.errmsg]));
    // The bulk broke off as a whole.
    if (failures.size === 0) throw error;
    for (const [index, { at }] of writes.entries())
      if (failures.has(index)) results[at] = new LetterRefusedError(failures.get(index), { cause: error });
    return placesOf(error.upsertedIds);
  }
}

function toWrites(record: ConsumedRecord, at: number): WritesOfRecord | undefined {
  // Read once: each access decodes them anew.
  const { headers } = record;
  const letter = deadLetterDocument(record, headers);
  if (letter === undefined) return undefined;
  const again = readRedrive(headers);
  const { _id, ...fields } = again === undefined ? letter : { ...letter, _id: again.letterId, redrives: again.redrive };
  const insert = { updateOne: { filter: { _id }, update: { $setOnInsert: fields }, upsert: true } };
  if (again === undefined) return { at, insert };
  const { redrive } = again;
  const { letter: place, error, attempts, deadLetteredAt } = letter;
  const ended = { 'tries.$[open].outcome': 'returned' as const, 'tries.$[open].endedAt': deadLetteredAt };
  return {
    at,
    insert,
    putBack: {
      updateOne: {
        // Not of an earlier redrive than the last: this topic may be read again.
        filter: {
          _id,
          $or: [
            { redrives: { $exists: false } },
            { redrives: { $lt: redrive } },
            { redrives: redrive, state: 'redriving' },
          ],
        },
        update: { $set: { state: 'pending', letter: place, error, attempts, redrives: redrive, ...ended } },
        arrayFilters: [{ 'open.outcome': null }],
      },
    },
  };
}

function deadLetterDocument(
  record: ConsumedRecord,
  headers: ConsumedRecord['headers'],
): DeadLetterDocument | undefined {
  const text = (name: keyof typeof DEAD_LETTER_HEADERS): string => headers[DEAD_LETTER_HEADERS[name]]?.toString() ?? '';
  const topic = text('topic');
  const [partition, offset, timestamp] = [text('partition'), text('offset'), text('timestamp')].map((each) =>
    Number(each || 'none'),
  );
  if (topic === '' || partition === undefined || offset === undefined || timestamp === undefined) return undefined;
  if (![partition, offset, timestamp].every(Number.isSafeInteger)) return undefined;
  const origin = readOrigin(headers);
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
