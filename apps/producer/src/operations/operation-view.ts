import { Injectable } from '@nestjs/common';
import { manifestTotals } from '#orders/import-manifest.js';
import type { OperationDocument } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import { notFound } from '#service/problem.js';
import { operationResponse, type OperationResponse } from './operation-response.js';
import { Operations } from './operations.js';
import { OrderOutcomes } from './order-outcomes.js';

/** Operations as the API tells them, with what of them is saved and dead-lettered now. */
@Injectable()
export class OperationView {
  constructor(
    private readonly operations: Operations,
    private readonly counts: OrderOutcomes,
    private readonly mongo: Mongo,
  ) {}

  /** @throws Problem 404 */
  async byId(id: string): Promise<OperationResponse> {
    const operation = await this.operations.find(id);
    if (operation === null) throw notFound(`There is no operation ${id}.`);
    return this.of(operation);
  }

  async of(operation: OperationDocument): Promise<OperationResponse> {
    const [saved, deadLettered, firstErrors, brought] = await Promise.all([
      this.counts.saved(operation),
      this.counts.deadLettered(operation),
      this.counts.firstErrors(operation),
      operation.kind === 'import' ? this.broughtBy(operation) : null,
    ]);
    return operationResponse(operation, { saved, deadLettered, firstErrors, import: brought }, new Date());
  }

  private async broughtBy({ _id }: OperationDocument): Promise<OperationResponse['import']> {
    const { files, ...rows } = await manifestTotals(this.mongo.db, _id);
    return { files: files.total, known: files.known, refused: files.refused, ...rows };
  }
}
