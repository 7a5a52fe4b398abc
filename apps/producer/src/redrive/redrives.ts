import { HttpStatus, Injectable } from '@nestjs/common';
import { operationsCollection, type OperationDocument } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import { Problem } from '#service/problem.js';
import { forgetKeysOf } from '../operations/idempotency-keys.js';
import { Operations } from '../operations/operations.js';
import { filterOf, type RedriveRequest } from './redrive-request.js';
import { RedrivenLetters } from './redriven-letters.js';

/** Records that Kafka acknowledges at once, at the most. */
const CHUNK = 200;

/** Redrives as they are asked for. */
@Injectable()
export class Redrives {
  constructor(
    private readonly mongo: Mongo,
    private readonly operations: Operations,
    private readonly letters: RedrivenLetters,
  ) {}

  /**
   * Stores the redrive and takes its letters, so that nobody else can: what is asked for twice at once goes once.
   * @throws Problem 409 when there is nothing to take
   */
  async begin(request: RedriveRequest, key: string | undefined): Promise<OperationDocument> {
    const { limit = null, maxRedrives, ratePerSecond = null } = request;
    const filter = filterOf(request);
    const asked = { filter, limit, maxRedrives, ratePerSecond, chunkSize: CHUNK };
    const made = await this.operations.createRedrive(asked, { key, request });
    if (made.kind !== 'redrive' || made.redriving?.isSelected !== false) return made;
    const taken = await this.letters.take(made);
    if (taken > 0) return this.selected(made, taken);
    await this.forget(made._id);
    const { spent } = await this.letters.plan(filter, null, maxRedrives);
    throw new Problem(
      HttpStatus.CONFLICT,
      'nothing-to-redrive',
      spent > 0
        ? `The ${spent} dead letters that fit were redriven ${maxRedrives} times already (maxRedrives).`
        : 'No pending dead letter fits: they may be redriven already.',
    );
  }

  private async selected(redrive: OperationDocument, letters: number): Promise<OperationDocument> {
    const { _id } = redrive;
    const change = { $set: { letters, 'redriving.isSelected': true } };
    return (await this.collection.findOneAndUpdate({ _id }, change, { returnDocument: 'after' })) ?? redrive;
  }

  private async forget(_id: string): Promise<void> {
    await forgetKeysOf(this.mongo.db, _id);
    await this.collection.deleteOne({ _id });
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}
