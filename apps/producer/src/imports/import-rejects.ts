import { Injectable } from '@nestjs/common';
import { MaxKey, type Collection } from 'mongodb';
import { Mongo } from '#service/mongo.js';
import type { RowCode } from './row-parser.js';

/** A row of an import that was set aside, with all that is needed to mend it. */
export interface ImportReject {
  readonly _id: { readonly operationId: string; readonly file: number; readonly row: number };
  readonly fileName: string;
  /** Where the row begins in its file. */
  readonly byteOffset: number;
  readonly code: RowCode | 'conflict' | 'broken-off' | 'trailing-text';
  readonly field?: string;
  readonly detail: string;
  /** As of `ImportRow`. */
  readonly epoch: number;
  /** As it stands in the file, its first 4 KiB; what is no UTF-8 is replaced. */
  readonly text: string;
}

/** Where in an import's rows: `row` -1 is before the first of the file. */
export interface RowPlace {
  readonly file: number;
  readonly row: number;
}

const READ_AT_ONCE = 500;

/** Rows of imports that were set aside. */
@Injectable()
export class ImportRejects {
  constructor(private readonly mongo: Mongo) {}

  /** Again it changes nothing. */
  async store(rejects: readonly ImportReject[]): Promise<void> {
    if (rejects.length === 0) return;
    await this.collection.bulkWrite(
      rejects.map((replacement) => ({
        replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
      })),
      { ordered: false },
    );
  }

  /** What a batch of an earlier claim has left behind this place. */
  async forget(operationId: string, epoch: number, after: RowPlace): Promise<void> {
    await this.collection.deleteMany({ _id: behind(operationId, after), epoch: { $lte: epoch } });
  }

  /** Up to so many behind a place, in order. */
  async page(operationId: string, after: RowPlace, size: number): Promise<ImportReject[]> {
    return this.collection
      .find({ _id: behind(operationId, after) })
      .sort({ _id: 1 })
      .limit(size)
      .toArray();
  }

  /** All of them, in order, as they are asked for. */
  all(operationId: string): AsyncIterable<ImportReject> {
    return this.collection
      .find({ _id: behind(operationId, { file: -1, row: -1 }) })
      .sort({ _id: 1 })
      .batchSize(READ_AT_ONCE);
  }

  private get collection(): Collection<ImportReject> {
    return this.mongo.db.collection<ImportReject>('importRejects');
  }
}

function behind(operationId: string, { file, row }: RowPlace) {
  return { $gt: { operationId, file, row }, $lt: { operationId, file: new MaxKey() } } as object;
}
