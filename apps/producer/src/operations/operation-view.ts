import { Injectable } from '@nestjs/common';
import type { OperationDocument } from '#orders/operation/operation.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { notFound } from '#service/http/problem.js';
import type { OperationProgress, Progress } from './operation-progress.js';
import type { OperationResponse } from './operation-response.js';
import { SharedProgress } from './shared-progress.js';
import { toOperationResponse } from './to-operation-response.js';
import { WaitingConsumers } from './waiting-consumers.js';

/** An operation, and whether it is final. */
export interface FollowedOperation {
  readonly operation: OperationResponse;
  readonly isSettled: boolean;
}

/** Builds the API responses for operations. */
@Injectable()
export class OperationView {
  constructor(
    private readonly shared: SharedProgress,
    private readonly consumers: WaitingConsumers,
    private readonly mongo: Mongo,
  ) {}

  /** Returns the operation with an id. @throws Problem 404 */
  async byId(id: string): Promise<OperationResponse> {
    return this.toResponse(await this.read(id, this.shared.get(id)));
  }

  /** Returns an operation and whether it is final, for event streams. @throws Problem 404 */
  async follow(id: string): Promise<FollowedOperation> {
    const shared = this.shared.get(id);
    const isSettled = await shared.isSettled(await this.read(id, shared));
    // Read again: the exact count may have raised the figure.
    return { operation: await this.toResponse(await this.read(id, shared)), isSettled };
  }

  /** Returns the response for an operation that was just read or changed. */
  async forDocument(operation: OperationDocument): Promise<OperationResponse> {
    const shared = this.shared.get(operation._id);
    shared.set(operation);
    return this.toResponse(await this.read(operation._id, shared));
  }

  private async read(id: string, shared: OperationProgress): Promise<Progress> {
    const progress = await shared.read();
    if (progress !== null) return progress;
    this.shared.forget(id);
    throw notFound(`There is no operation ${id}.`);
  }

  private async toResponse({ operation, findings }: Progress): Promise<OperationResponse> {
    return toOperationResponse(operation, findings, await this.consumers.text(), this.mongo.time.now());
  }
}
