import { Injectable } from '@nestjs/common';
import { manifestTotals } from '#orders/import-manifest.js';
import { isEmitted, type OperationDocument, type RedriveDocument } from '#orders/operation.js';
import { Mongo } from '#service/mongo.js';
import { notFound } from '#service/problem.js';
import { operationResponse, type OperationResponse } from './operation-response.js';
import { Operations } from './operations.js';
import { RedrivenLetters } from '../redrive/redriven-letters.js';
import { FIRST_ERRORS, OrderOutcomes } from './order-outcomes.js';

/** Operations as the API tells them, with what of them is saved and dead-lettered now. */
@Injectable()
export class OperationView {
  constructor(
    private readonly operations: Operations,
    private readonly counts: OrderOutcomes,
    private readonly letters: RedrivenLetters,
    private readonly mongo: Mongo,
  ) {}

  /** @throws Problem 404 */
  async byId(id: string): Promise<OperationResponse> {
    const operation = await this.operations.find(id);
    if (operation === null) throw notFound(`There is no operation ${id}.`);
    return this.of(operation);
  }

  async of(operation: OperationDocument): Promise<OperationResponse> {
    if (!isEmitted(operation)) return this.ofRedrive(operation);
    const [saved, deadLettered, discarded, firstErrors, brought] = await Promise.all([
      this.counts.saved(operation),
      this.counts.deadLettered(operation),
      this.counts.discarded(operation),
      this.counts.firstErrors(operation),
      operation.kind === 'import' ? this.broughtBy(operation) : null,
    ]);
    return operationResponse(
      operation,
      { saved, deadLettered, discarded, firstErrors, import: brought, redrive: null },
      this.mongo.time.now(),
    );
  }

  private async ofRedrive(operation: RedriveDocument): Promise<OperationResponse> {
    const { _id, filter, limit, maxRedrives, ended } = operation;
    const [{ unsent: _unsent, ...counts }, returned] = await Promise.all([
      ended ?? this.letters.counts(_id),
      this.letters.returnReasons(_id, FIRST_ERRORS),
    ]);
    const firstErrors = returned.map(({ index, error: { code, message } }) => ({ index, code, message }));
    const redrive = { filter, limit, maxRedrives, ...counts };
    const deadLettered = counts.returned + counts.missing;
    return operationResponse(
      operation,
      { saved: counts.saved, deadLettered, discarded: 0, firstErrors, import: null, redrive },
      this.mongo.time.now(),
    );
  }

  private async broughtBy({ _id }: OperationDocument): Promise<OperationResponse['import']> {
    const { files, ...rows } = await manifestTotals(this.mongo.db, _id);
    return { files: files.total, known: files.known, refused: files.refused, ...rows };
  }
}
