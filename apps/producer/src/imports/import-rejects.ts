import { Injectable } from '@nestjs/common';
import { MaxKey, type Collection } from 'mongodb';
import { Mongo } from '#service/mongodb/mongo.js';
import type { RowCode } from './row-parser.js';

/** A rejected row of an import, with all information needed to fix it. */
export interface ImportReject {
  readonly _id: { readonly operationId: string; readonly file: number; readonly row: number };
  readonly fileName: string;
  /** Offset of the row's first byte in its file. */
  readonly byteOffset: number;
  readonly code: RowCode | 'conflict' | 'order-archived' | 'broken-off' | 'trailing-text';
  readonly field?: string;
  readonly detail: string;
  /** As in `ImportRow`. */
  readonly epoch: number;
  /** The first 4 KiB of the row's text; invalid UTF-8 is replaced. */
  readonly text: string;
}

/** A position in an import's rows; `row` -1 is before the first row of the file. */
export interface RowPlace {
  readonly file: number;
  readonly row: number;
}

const READ_BATCH = 500;

/** Stores the rejected rows of imports. */
@Injectable()
export class ImportRejects {
  constructor(private readonly mongo: Mongo) {}

  /** Stores rejected rows. Idempotent. */
  async store(rejects: readonly ImportReject[]): Promise<void> {
    if (rejects.length === 0) return;
    await this.collection.bulkWrite(
      rejects.map((replacement) => ({
        replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
      })),
      { ordered: false },
    );
  }

  /** Deletes the rows that a batch of this or an earlier claim has stored after a position. */
  async forget(operationId: string, epoch: number, after: RowPlace): Promise<void> {
    await this.collection.deleteMany({ _id: behind(operationId, after), epoch: { $lte: epoch } });
  }

  /** Returns up to `size` rejected rows after a position, in order. */
  async page(operationId: string, after: RowPlace, size: number): Promise<ImportReject[]> {
    return this.collection
      .find({ _id: behind(operationId, after) })
      .sort({ _id: 1 })
      .limit(size)
      .toArray();
  }

  /** Streams all rejected rows of an import, in order. */
  all(operationId: string): AsyncIterable<ImportReject> {
    return this.collection
      .find({ _id: behind(operationId, { file: -1, row: -1 }) })
      .sort({ _id: 1 })
      .batchSize(READ_BATCH);
  }

  /** Removes all rejected rows of an import. */
  async remove(operationId: string): Promise<void> {
    await this.collection.deleteMany({ _id: behind(operationId, { file: -1, row: -1 }) });
  }

  private get collection(): Collection<ImportReject> {
    return this.mongo.db.collection<ImportReject>('importRejects');
  }
}

function behind(operationId: string, { file, row }: RowPlace) {
  return { $gt: { operationId, file, row }, $lt: { operationId, file: new MaxKey() } } as object;
}
