import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.js';
import type { GatewayClient } from './gateway-client.js';
import type { Operator } from './operator.js';

const PARTITIONS = 12;

interface OperationState {
  readonly id: string;
  readonly saved: number;
  readonly deadLettered: number;
}

interface PipelineState {
  readonly consumers: readonly { readonly partitions: readonly number[] | null }[];
}

/** What became of orders, as clients of the gateway see it, and as reconcile does. */
export class OrderChecks {
  constructor(
    private readonly operator: Operator,
    private readonly gateway: GatewayClient,
    private readonly print: (line: string) => void,
  ) {}

  /** Populates, and waits until all are saved and reconcile holds. */
  async populate(count: number): Promise<void> {
    const { id } = await this.gateway.json<OperationState>('POST', '/v1/populate', { count });
    await this.isSaved(id, count);
  }

  /** Resolves when an operation has saved so many orders, and reconcile has compared all of them. */
  async isSaved(id: string, count: number): Promise<void> {
    await eventually(`${count} orders of ${id} are saved`, async () => {
      const { saved, deadLettered } = await this.gateway.json<OperationState>('GET', `/v1/operations/${id}`);
      assert.equal(deadLettered, 0);
      return saved === count || { saved };
    });
    this.print(await this.operator.inside('producer', 'node', 'dist/apps/reconcile/src/main.js', id));
  }

  /** Resolves when the console sees so many consumers, which share all partitions. */
  async consoleSees(consumers: number): Promise<void> {
    await eventually(`the console sees ${consumers} consumers`, async () => {
      const pipeline = await this.gateway.json<PipelineState>('GET', '/v1/pipeline');
      const seen = pipeline.consumers.flatMap(({ partitions }) => (partitions === null ? [] : [partitions]));
      return (seen.length === consumers && seen.flat().length === PARTITIONS) || seen;
    });
  }
}
