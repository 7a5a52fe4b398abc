import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.js';
import type { ApiClient } from './api-client.js';

const PARTITIONS = 12;

/** The fields of the responses that are read. */
export type Operation = Record<'count' | 'firstNumber' | 'saved' | 'deadLettered', number> & { readonly id: string };
interface Pipeline {
  readonly consumers: readonly { readonly partitions: readonly number[] | null }[];
}

/** What became of orders, as clients of a deployment see it. */
export class OrderChecks {
  constructor(private readonly client: ApiClient) {}

  async populate(count: number): Promise<Operation> {
    return this.client.json('POST', '/v1/populate', { count });
  }

  /** Resolves when an operation has saved so many orders. */
  async areSaved({ id, count }: Pick<Operation, 'id' | 'count'>): Promise<void> {
    await eventually(`${count} orders of ${id} are saved`, async () => {
      const { saved, deadLettered } = await this.client.json<Operation>('GET', `/v1/operations/${id}`);
      assert.equal(deadLettered, 0);
      return saved === count || { saved };
    });
  }

  /** Resolves when the console sees so many consumers, which share all partitions. */
  async consumersShare(consumers: number): Promise<void> {
    await eventually(`the console sees ${consumers} consumers that share the partitions`, async () => {
      const pipeline = await this.client.json<Pipeline>('GET', '/v1/pipeline');
      // `null`: the heartbeats of a former consumer have stopped.
      const shares = pipeline.consumers.flatMap(({ partitions }) => partitions?.length ?? []);
      const all = shares.reduce((sum, share) => sum + share, 0);
      return (shares.length === consumers && !shares.includes(0) && all === PARTITIONS) || shares;
    });
  }
}
