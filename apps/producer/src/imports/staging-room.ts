import { HttpStatus, Injectable } from '@nestjs/common';
import { Problem } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { STAGED_FILES } from './staged-files.js';

/** The most bytes that wait in MongoDB to be read; 0: no limit. */
export interface StagingLimits {
  readonly STAGED_BYTES_PER_CALLER: number;
  readonly STAGED_BYTES_IN_TOTAL: number;
}

const RETRY_AFTER = { 'Retry-After': '30' };

/**
 * Limits the bytes that imports have staged in MongoDB, by all processes, and that are still to be read. It is checked before an import is
 * received: imports that are received at the same time can exceed it by `IMPORT_MAX_BYTES` each.
 */
@Injectable()
export class StagingRoom {
  constructor(
    private readonly mongo: Mongo,
    private readonly limits: StagingLimits,
  ) {}

  /** @throws Problem 429 when the caller has staged too much, 503 when all callers together have */
  async require(caller: string): Promise<void> {
    const { STAGED_BYTES_PER_CALLER: perCaller, STAGED_BYTES_IN_TOTAL: inTotal } = this.limits;
    const { own, total } = await this.stagedBytes(caller);
    if (perCaller > 0 && own >= perCaller)
      throw staged(HttpStatus.TOO_MANY_REQUESTS, `You have staged ${own} bytes`, 'STAGED_BYTES_PER_CALLER', perCaller);
    if (inTotal > 0 && total >= inTotal)
      throw staged(HttpStatus.SERVICE_UNAVAILABLE, `${total} bytes are staged`, 'STAGED_BYTES_IN_TOTAL', inTotal);
  }

  private async stagedBytes(caller: string): Promise<{ readonly own: number; readonly total: number }> {
    const isOwn = { $eq: ['$metadata.caller', caller] };
    const [sums] = await this.mongo.db
      .collection(STAGED_FILES)
      .aggregate<{ own: number; total: number }>([
        { $group: { _id: null, total: { $sum: '$length' }, own: { $sum: { $cond: [isOwn, '$length', 0] } } } },
      ])
      .toArray();
    return sums ?? { own: 0, total: 0 };
  }
}

function staged(status: HttpStatus, what: string, setting: keyof StagingLimits, limit: number): Problem {
  const detail = `${what} that are still to be read, and the limit is ${limit} (setting ${setting}). Nothing was imported. Retry when an import has been read.`;
  return new Problem(status, 'too-many-staged-bytes', detail, {}, RETRY_AFTER);
}
