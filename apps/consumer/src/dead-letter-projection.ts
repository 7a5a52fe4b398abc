import { Controller, Injectable } from '@nestjs/common';
import { Ctx, EventPattern } from '@nestjs/microservices';
import { type AnyBulkWriteOperation, type Collection, type Db, MongoBulkWriteError, type WriteError } from 'mongodb';
import { PARALLEL_CONSUMER, ParallelConsumerContext } from '@orders-pipeline/nestjs-parallel-consumer';
import {
  batchHandler,
  type BatchItem,
  type BatchResult,
  type ConsumedRecord,
  DEAD_LETTER_HEADERS,
  type RecordHandler,
} from '@orders-pipeline/parallel-consumer';
import { type DeadLetterDocument, deadLettersCollection, readRedrive } from '#orders/dead-letter/dead-letters.js';
import { readOrigin } from '#orders/operation/record-headers.js';
import { type SettledBlock, settledBlocksCollection } from '#orders/settled/settled-blocks.js';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { Mongo } from '#service/mongodb/mongo.js';

/** The used fields of a dead letter. */
export type PlacedLetter = Pick<DeadLetterDocument, 'operationId' | 'index' | 'origin'>;

type Block = Pick<SettledBlock, '_id' | 'to' | 'ends'>;

/**
 * Finds dead letters whose outcome was final before: their block was verified after their record was written. They are read again when a
 * topic is replayed, and their documents may be removed already.
 * @returns their positions in the list
 */
async function replayedLetters(db: Db, letters: readonly PlacedLetter[]): Promise<Set<number>> {
  const blocks = await blocksOfLetters(db, letters);
  const replayed = new Set<number>();
  for (const [at, letter] of letters.entries()) if (blocks.some((block) => isBefore(letter, block))) replayed.add(at);
  return replayed;
}

/** Whether a dead letter belongs to a block, and its record was on the topic when the block was verified. */
export function isBefore({ operationId, index, origin }: PlacedLetter, { _id, to, ends }: Block): boolean {
  if (operationId !== _id.operationId || index === null || index < _id.from || index >= to) return false;
  return origin.topic === ORDERS_TOPIC && origin.offset < (ends[origin.partition] ?? 0);
}

async function blocksOfLetters(db: Db, letters: readonly PlacedLetter[]): Promise<Block[]> {
  const indexes = new Map<string, { from: number; to: number }>();
  for (const { operationId, index } of letters) {
    if (operationId === null || index === null) continue;
    const range = indexes.get(operationId) ?? { from: index, to: index };
    indexes.set(operationId, { from: Math.min(range.from, index), to: Math.max(range.to, index) });
  }
  if (indexes.size === 0) return [];
  const blocks = [...indexes].map(([operationId, { from, to }]) => ({
    _id: { $gte: { operationId, from: 0 }, $lte: { operationId, from: to } },
    to: { $gt: from },
  }));
  return settledBlocksCollection(db).find({ $or: blocks }).project<Block>({ to: 1, ends: 1 }).toArray();
}

/** Batches the writes: with one invalid record in ten, one durable write per dead letter would use most of MongoDB's capacity. */
const BATCHES = { maxBatchSize: 500, maxBatchWaitMs: 20 };

/** Thrown when MongoDB rejected this dead letter and not the rest of its batch. */
export class LetterRejectedError extends Error {
  override readonly name = 'LetterRejectedError';
  readonly code = 'refused-by-database';
}

type LetterWrite = AnyBulkWriteOperation<DeadLetterDocument>;

interface WriteOfRecord {
  /** Index of the record in its batch. */
  readonly at: number;
  readonly write: LetterWrite;
}

interface WritesOfRecord {
  readonly at: number;
  readonly letter: DeadLetterDocument;
  readonly insert: LetterWrite;
  /** Sets a redriven dead letter that exists already back to `pending`. */
  readonly putBack?: LetterWrite;
}

/**
 * Stores new dead letters in MongoDB. A dead letter read again does not change the state of its document. A dead letter whose record was
 * redriven creates no new document: the original dead letter becomes `pending` again. Records that are not dead letters of this
 * pipeline, and replayed dead letters of verified blocks, are skipped.
 */
@Injectable()
export class DeadLetterProjection {
  /**
   * Resolves once the dead letter is durable, together with the rest of its batch.
   * @throws LetterRejectedError when MongoDB rejects the dead letter, or the driver's error
   */
  readonly project: RecordHandler;

  constructor(private readonly mongo: Mongo) {
    this.project = batchHandler({ handle: async (items) => this.projectTogether(items), ...BATCHES });
  }

  private async projectTogether(items: readonly BatchItem[]): Promise<BatchResult[]> {
    const results: BatchResult[] = items.map(() => undefined);
    const letters = deadLettersCollection(this.mongo.db);
    const read = items.flatMap(({ record }, at) => toWrites(record, at) ?? []);
    const replayed = await replayedLetters(
      this.mongo.db,
      read.map(({ letter }) => letter),
    );
    const projected = read.filter((_, at) => !replayed.has(at));
    const inserts = projected.map(({ at, insert }) => ({ at, write: insert }));
    const inserted = await writeEach(letters, inserts, results);
    const known = projected.filter(({ at }) => !inserted.has(at) && results[at] === undefined);
    const putBacks = known.flatMap(({ at, putBack }) => (putBack === undefined ? [] : { at, write: putBack }));
    await writeEach(letters, putBacks, results);
    return results;
  }
}

/**
 * Runs the writes in one unordered bulk.
 * @param results receives the error of each record whose dead letter MongoDB rejected
 * @returns the batch indexes of the records whose dead letters were inserted
 * @throws when the outcome of all writes is unknown
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
    // Without write errors, the bulk failed as a whole.
    if (failures.size === 0) throw error;
    for (const [index, { at }] of writes.entries())
      if (failures.has(index)) results[at] = new LetterRejectedError(failures.get(index), { cause: error });
    return placesOf(error.upsertedIds);
  }
}

function toWrites(record: ConsumedRecord, at: number): WritesOfRecord | undefined {
  // Read once, because each access decodes the headers again.
  const { headers } = record;
  const letter = deadLetterDocument(record, headers);
  if (letter === undefined) return undefined;
  const redriven = readRedrive(headers);
  const { _id, ...fields } =
    redriven === undefined ? letter : { ...letter, _id: redriven.letterId, redrives: redriven.redrive };
  const insert = { updateOne: { filter: { _id }, update: { $setOnInsert: fields }, upsert: true } };
  if (redriven === undefined) return { at, letter, insert };
  const { redrive } = redriven;
  const { letter: place, error, attempts, deadLetteredAt } = letter;
  const ended = { 'tries.$[open].outcome': 'returned' as const, 'tries.$[open].endedAt': deadLetteredAt };
  return {
    at,
    letter,
    insert,
    putBack: {
      updateOne: {
        // Only for the latest redrive: the dead-letter topic may be read again.
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

/**
 * Projects the dead-letter topic into MongoDB, which stores the state of each. The topic contains every published dead letter,
 * so none is missed while MongoDB is unavailable; a dead letter that was published twice gives one document.
 */
@Controller()
export class DeadLettersController {
  constructor(private readonly projection: DeadLetterProjection) {}

  @EventPattern(DEAD_LETTER_TOPIC, PARALLEL_CONSUMER)
  project(@Ctx() { record, attempt }: ParallelConsumerContext): Promise<void> {
    return this.projection.project(record, attempt);
  }
}
