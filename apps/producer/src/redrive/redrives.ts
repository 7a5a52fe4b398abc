import { randomUUID } from 'node:crypto';
import { HttpStatus, Injectable } from '@nestjs/common';
import { operationsCollection, type OperationDocument } from '#orders/operation.js';
import { pause, systemClock } from '#parallel-consumer/clock.js';
import { Mongo } from '#service/mongo.js';
import { Problem } from '#service/problem.js';
import { leaseOf } from '../background/lease.js';
import { forgetKeysOf } from '../operations/idempotency-keys.js';
import { Operations } from '../operations/operations.js';
import { filterOf, type RedriveRequest } from './redrive-request.js';
import { RedrivenLetters } from './redriven-letters.js';

/** Records that Kafka acknowledges at once, at the most. */
const CHUNK = 200;
const LOOK_AGAIN_MS = 50;

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
    const lease = leaseOf(randomUUID(), this.mongo.time.now());
    const made = await this.operations.createRedrive(asked, lease, { key, request });
    if (made.kind !== 'redrive' || made.redriving?.isSelected !== false) return made;
    // The same request, sent again while the first one's letters are being taken: its answer is that one's.
    if (made.redriving.lease?.owner !== lease.owner) return this.selectedByAnother(made._id, request);
    const taken = await this.letters.take(made);
    if (taken > 0) return this.selected(made, taken);
    await this.forget(made._id);
    return this.refuse(request);
  }

  private async selected(redrive: OperationDocument, letters: number): Promise<OperationDocument> {
    const { _id } = redrive;
    const change = { $set: { letters, 'redriving.isSelected': true, 'redriving.lease': null } };
    const found = await this.collection.findOneAndUpdate({ _id }, change, { returnDocument: 'after' });
    return found ?? redrive;
  }

  private async selectedByAnother(id: string, request: RedriveRequest): Promise<OperationDocument> {
    for (;;) {
      const operation = await this.operations.find(id);
      if (operation === null) return this.refuse(request);
      if (operation.kind !== 'redrive' || operation.redriving?.isSelected !== false) return operation;
      await pause(systemClock, LOOK_AGAIN_MS);
    }
  }

  private async refuse(request: RedriveRequest): Promise<never> {
    const { maxRedrives } = request;
    const { spent } = await this.letters.plan(filterOf(request), null, maxRedrives);
    throw new Problem(
      HttpStatus.CONFLICT,
      'nothing-to-redrive',
      spent > 0
        ? `The ${spent} dead letters that fit were redriven ${maxRedrives} times already (maxRedrives).`
        : 'No pending dead letter fits: they may be redriven already.',
    );
  }

  private async forget(_id: string): Promise<void> {
    await forgetKeysOf(this.mongo.db, _id);
    await this.collection.deleteOne({ _id });
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}
