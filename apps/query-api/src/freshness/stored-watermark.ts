import { Injectable } from '@nestjs/common';
import { Long, type Collection } from 'mongodb';
import { Mongo } from '#service/mongodb/mongo.js';

interface WatermarkDocument {
  readonly _id: 'orders';
  readonly through: Long | number;
}

/**
 * The watermark in MongoDB, shared by all query APIs: with it, one that starts counts nothing again. A stored value was reached by
 * majority reads and is written with a majority, so that no fail-over takes an order back that it promises.
 */
@Injectable()
export class StoredWatermark {
  constructor(private readonly mongo: Mongo) {}

  /** Returns the stored watermark, 0 before the first. */
  async read(): Promise<number> {
    return Number((await this.collection.findOne({ _id: 'orders' }))?.through ?? 0);
  }

  /** Stores a watermark that was reached. It only rises: another process may have stored a higher one. */
  async raise(through: number): Promise<void> {
    await this.collection.updateOne(
      { _id: 'orders' },
      { $max: { through: Long.fromNumber(through) } },
      { upsert: true },
    );
  }

  private get collection(): Collection<WatermarkDocument> {
    return this.mongo.db.collection<WatermarkDocument>('watermark');
  }
}
