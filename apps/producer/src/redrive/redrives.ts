import { randomUUID } from 'node:crypto';
import { HttpStatus, Injectable } from '@nestjs/common';
import { operationsCollection, type OperationDocument } from '#orders/operation/operation.js';
import { pause, systemClock } from '@orders-pipeline/clock';
import { Mongo } from '#service/mongodb/mongo.js';
import { Problem } from '#service/http/problem.js';
import { createLease } from '../background/lease.js';
import { deleteKeys } from '../operations/idempotency-keys.js';
import { Operations } from '../operations/operations.js';
import { toFilter, type RedriveRequest } from './redrive-request.js';
import { RedrivenLetters } from './redriven-letters.js';

/** Maximum number of records that Kafka acknowledges at once. */
const CHUNK = 200;
const POLL_INTERVAL_MS = 50;

/** Creates redrives. */
@Injectable()
export class Redrives {
  constructor(
    private readonly mongo: Mongo,
    private readonly operations: Operations,
    private readonly letters: RedrivenLetters,
  ) {}

  /**
   * Stores a redrive and selects its letters, so that concurrent requests cannot send the same letter twice.
   * @throws Problem 409 when no letter matches
   */
  async begin(request: RedriveRequest, key: string | undefined): Promise<OperationDocument> {
    const { limit = null, maxRedrives, ratePerSecond = null } = request;
    const filter = toFilter(request);
    const parameters = { filter, limit, maxRedrives, ratePerSecond, chunkSize: CHUNK };
    const lease = createLease(randomUUID(), this.mongo.time.now());
    const redrive = await this.operations.createRedrive(parameters, lease, { key, request });
    if (redrive.kind !== 'redrive' || redrive.redriving?.isSelected !== false) return redrive;
    // A retry of a request whose letters are still being selected: return the result of the first request.
    if (redrive.redriving.lease?.owner !== lease.owner) return this.waitForSelection(redrive._id, request);
    const taken = await this.letters.select(redrive);
    if (taken > 0) return this.markSelected(redrive, taken);
    await this.remove(redrive._id);
    return this.rejectEmpty(request);
  }

  private async markSelected(redrive: OperationDocument, letters: number): Promise<OperationDocument> {
    const { _id } = redrive;
    const change = { $set: { letters, 'redriving.isSelected': true, 'redriving.lease': null } };
    const found = await this.collection.findOneAndUpdate({ _id }, change, { returnDocument: 'after' });
    return found ?? redrive;
  }

  private async waitForSelection(id: string, request: RedriveRequest): Promise<OperationDocument> {
    for (;;) {
      const operation = await this.operations.find(id);
      if (operation === null) return this.rejectEmpty(request);
      if (operation.kind !== 'redrive' || operation.redriving?.isSelected !== false) return operation;
      await pause(systemClock, POLL_INTERVAL_MS);
    }
  }

  private async rejectEmpty(request: RedriveRequest): Promise<never> {
    const { maxRedrives } = request;
    const { spent } = await this.letters.plan(toFilter(request), null, maxRedrives);
    throw new Problem(
      HttpStatus.CONFLICT,
      'nothing-to-redrive',
      spent > 0
        ? `The ${spent} matching dead letters were already redriven ${maxRedrives} times (maxRedrives).`
        : 'No pending dead letter matches; matching ones may already be redriven or discarded.',
    );
  }

  private async remove(_id: string): Promise<void> {
    await deleteKeys(this.mongo.db, _id);
    await this.collection.deleteOne({ _id });
  }

  private get collection() {
    return operationsCollection(this.mongo.db);
  }
}
