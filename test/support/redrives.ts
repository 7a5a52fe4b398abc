import { deadLettersCollection, type DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import type { Collection } from 'mongodb';
import type { DeadLetterGroups } from '../../apps/producer/src/dead-letters/dead-letter-api.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { eventually } from './eventually.js';
import type { Answer, TestedStack } from './tested-stack.js';

interface ProblemBody {
  readonly code: string;
  readonly detail: string;
  /** Only of the plan that a dry run returns. */
  readonly letters?: number;
}

/** The dead letters of a pipeline and their redrives, through the producer's API. */
export class Redrives {
  constructor(private readonly pipeline: TestedStack) {}

  get letters(): Collection<DeadLetterDocument> {
    return deadLettersCollection(this.pipeline.db);
  }

  /** Requests a path of the producer. */
  async get<T>(path: string): Promise<Answer<T>> {
    const response = await fetch(`${this.pipeline.producerUrl}${path}`);
    return { status: response.status, headers: response.headers, body: (await response.json()) as T };
  }

  /** Returns the number of dead letters in a state, by error code. @param operationId counts only those of this operation */
  async groups(state = 'pending', operationId?: string): Promise<Record<string, number>> {
    const query = new URLSearchParams({ state, ...(operationId !== undefined && { operationId }) });
    const { body } = await this.get<DeadLetterGroups>(`/v1/dead-letters?${query.toString()}`);
    return Object.fromEntries(body.items.map(({ errorCode, count }) => [errorCode, count]));
  }

  /** @param key the Idempotency-Key */
  async ask(body: object, key?: string): Promise<Answer<OperationResponse & ProblemBody>> {
    return this.pipeline.post('/v1/dead-letters/redrive', body, key);
  }

  async operation(id: string): Promise<OperationResponse> {
    return (await this.get<OperationResponse>(`/v1/operations/${id}`)).body;
  }

  async moved(id: string): Promise<number> {
    return (await this.operation(id)).redrive?.moved ?? 0;
  }

  /** Waits until the outcome of each dead letter is known. */
  async ended(id: string): Promise<OperationResponse> {
    await eventually(`the redrive ${id} ends`, async () => (await this.operation(id)).finishedAt !== null);
    return this.operation(id);
  }
}
