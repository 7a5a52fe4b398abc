import { highestReservedNumber } from '#orders/numbering/number-blocks.js';
import {
  recordsBetween,
  DEAD_LETTER_GROUP,
  DEAD_LETTER_TOPIC,
  ORDERS_CONSUMER_GROUP,
  ORDERS_TOPIC,
} from '#orders/topics/topics.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { eventually } from '../support/eventually.js';
import type { TestSystem } from '../support/test-system.js';
import { reconciled } from '../support/started-app.js';
import { quietKafka } from '../support/topic-writer.js';
import { Imports, legacyPairs, IntakeClient, Redrives } from '../support/sent-orders.js';

/** What reconciliation says about all operations. */
export interface Reconciled {
  readonly count: number;
  /** Those that do not hold, in words. */
  readonly broken: readonly string[];
}

export async function reconcileAll(stack: TestSystem): Promise<Reconciled> {
  const response = await fetch(`${stack.producerUrl}/v1/operations?pageSize=100`);
  const { items } = (await response.json()) as { items: OperationResponse[] };
  const own = items.filter(({ kind }) => kind !== 'redrive');
  const broken: string[] = [];
  for (const { id, kind } of own) {
    const { verdict, missing, doubled, altered, phantom } = await settled(async () => reconciled(stack, id));
    if (verdict !== 'holds')
      broken.push(`${kind} ${id}: ${JSON.stringify({ verdict, missing, doubled, altered, phantom })}`);
  }
  return { count: own.length, broken };
}

/** Intakes of killed processes are pending until a producer has closed them. */
async function settled(reconcile: () => Promise<ReconcileReport>): Promise<ReconcileReport> {
  let report = await reconcile();
  await eventually(`operation ${report.operation} is closed`, async () => {
    if (report.verdict === 'pending') report = await reconcile();
    return report.verdict !== 'pending' || report;
  });
  return report;
}

/** Waits until the watermark has passed every number: readers wait for the orders below it. @returns how far it came, and the highest number */
export async function untilComplete(pipeline: TestSystem): Promise<readonly [reached: number, highest: number]> {
  const highest = await highestReservedNumber(pipeline.db);
  let reached = 0;
  await eventually('the watermark reaches the end', async () => {
    const { headers } = await pipeline.get('/v1/orders?pageSize=1');
    reached = Number(headers.get('x-complete-through'));
    return reached >= highest || { reached, highest };
  });
  return [reached, highest];
}

/** Waits until both groups have committed every record. @returns how many records of orders were left at first */
export async function untilConsumed(brokers: string): Promise<number> {
  const kafka = new KafkaPositions(quietKafka(brokers));
  const behind = async (group: string, topic: string): Promise<number> =>
    recordsBetween(await kafka.committed(group, topic), await kafka.ends(topic));
  try {
    const first = await behind(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
    await eventually('everything is consumed', async () => {
      const left = await behind(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC);
      const letters = await behind(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
      return left + letters === 0 || { left, letters };
    });
    return first;
  } finally {
    await kafka.close();
  }
}

const FAULTS = { poison: 0.000_5, duplicate: 0.000_5, conflict: 0.000_5 };
const CLIENTS = 2;
const ROWS = 200;
/** A populate that lasts longer than a rehearsal. */
const LASTING = { count: 500_000, ratePerSecond: 200 };
/** Dead letters that are sent again after the backup. */
export const REDRIVEN = 3;

/** What a rehearsal sends before the backup, between it and the disaster, and after the restore. */
export class SentOrders {
  private clients: IntakeClient[] = [];

  /** @param pipeline the one that runs now @param orders the size of a populate */
  constructor(
    private readonly pipeline: () => TestSystem,
    private readonly orders: number,
  ) {}

  /** Populates and imports, and waits until all is saved. @returns what was done, in words */
  async saveAll(): Promise<string> {
    const pipeline = this.pipeline();
    const populate = await pipeline.populate({ count: this.orders, faults: FAULTS });
    const imported = await new Imports(pipeline).imported({ 'chunk_1.json': legacyPairs(ROWS) });
    const { saved, deadLettered } = await pipeline.allEnded(populate.id);
    return `${saved} saved, ${deadLettered} dead-lettered, ${imported.saved} imported`;
  }

  /** Starts clients and two populates, of which the second waits for the first. @returns the ids of the populates */
  async begin(): Promise<readonly [string, string]> {
    const pipeline = this.pipeline();
    const ids = [(await pipeline.populate(LASTING)).id, (await pipeline.populate(LASTING)).id] as const;
    const producers = (): string[] => [pipeline.producerUrl];
    this.clients = Array.from({ length: CLIENTS }, (_, n) => new IntakeClient(`client-${n}`, producers));
    await eventually('all send', async () => {
      const { acked } = await pipeline.operation(ids[0]);
      return acked > 0 && this.clients.every(({ accepted }) => accepted > 5);
    });
    return ids;
  }

  /**
   * Does what a backup of before lacks: a populate and an import that are saved, a populate that is under way, orders of clients, redrives, and
   * the end of operations.
   * @param running the populate to pause @param cancelled the one to cancel. @returns the ids of the new operations
   */
  async sendMore(running: string, cancelled: string): Promise<string[]> {
    const pipeline = this.pipeline();
    const accepted = this.clients.map((client) => client.accepted);
    await pipeline.post(`/v1/operations/${cancelled}/cancel`, {});
    // It would keep the producer busy.
    await pipeline.post(`/v1/operations/${running}/pause`, {});
    const complete = await pipeline.populate({ count: Math.ceil(this.orders / 10), faults: FAULTS });
    const imported = await new Imports(pipeline).imported({ 'chunk_2.json': legacyPairs(ROWS, 1_000_001) });
    const redrives = new Redrives(pipeline);
    const { status, body: redrive } = await redrives.ask({ all: true, limit: REDRIVEN });
    if (status !== 202) throw new Error(`the redrive responded with status ${status}: ${redrive.detail}`);
    await pipeline.allEnded(complete.id);
    await redrives.ended(redrive.id);
    await eventually('clients have sent more', () =>
      this.clients.every((client, at) => client.accepted > (accepted[at] ?? 0) + 5),
    );
    const unfinished = await pipeline.populate(LASTING);
    await eventually('a part is sent', async () => (await pipeline.operation(unfinished.id)).acked > 500);
    await Promise.all(this.clients.map(async (client) => client.stop()));
    return [complete.id, imported.id, unfinished.id];
  }

  /** Decides about the populates that the restore has paused, and sends new orders. @returns the first number of a new populate */
  async goOn(running: string, cancelled: string): Promise<number> {
    const pipeline = this.pipeline();
    const { acked } = await pipeline.operation(running);
    await pipeline.post(`/v1/operations/${cancelled}/cancel`, {});
    await pipeline.post(`/v1/operations/${running}/resume`, {});
    const client = new IntakeClient('client-0', () => [pipeline.producerUrl]);
    await eventually('a client sends again', () => client.accepted > 5);
    await client.stop();
    await eventually('the populate goes on', async () => (await pipeline.operation(running)).acked > acked);
    await pipeline.post(`/v1/operations/${running}/cancel`, {});
    await eventually('both are cancelled', async () => {
      const found = await Promise.all([running, cancelled].map(async (id) => pipeline.operation(id)));
      return found.every(({ status }) => status === 'cancelled');
    });
    const populate = await pipeline.populate({ count: 1_000 });
    await pipeline.allEnded(populate.id);
    await untilConsumed(pipeline.brokers);
    return populate.firstNumber;
  }
}
