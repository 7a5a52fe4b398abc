import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDraws } from '#orders/generator/seeded-random.js';
import { intakeBatchesCollection } from '#orders/numbering/intake-batches.js';
import { highestReservedNumber } from '#orders/numbering/number-blocks.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { betweenTries, eventually } from '../support/eventually.js';
import { ExtraProducer, reconciled } from '../support/started-app.js';
import { intakeOrder, sendOrders } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';

const SEED = 20_261_127;
const KILLS = 5;
const CLIENTS = 16;
const RETRY_MS = 100;
const HOLDS = { code: 0, verdict: 'holds', missing: 0, doubled: 0, altered: 0, phantom: 0, pending: 0 };

/** Clients that send orders, and repeat each request with the same key until it is accepted. */
class Flood {
  /** The numbers of accepted orders, by id. */
  readonly accepted = new Map<string, number>();
  requests = 0;
  repeated = 0;
  private isOver = false;
  private readonly clients: Promise<void>[];

  private constructor(private readonly pipeline: Pick<TestSystem, 'producerUrl'>) {
    this.clients = Array.from({ length: CLIENTS }, async (_, client) => this.run(client));
  }

  /** Runs work while clients send. They stop in any case: they would send to the servers of the next test. */
  static async during(
    pipeline: Pick<TestSystem, 'producerUrl'>,
    work: (flood: Flood) => Promise<void>,
  ): Promise<Flood> {
    const flood = new Flood(pipeline);
    try {
      await work(flood);
    } finally {
      flood.isOver = true;
      await Promise.all(flood.clients);
    }
    return flood;
  }

  private async run(client: number): Promise<void> {
    for (let nth = 0; !this.isOver; nth += 1) {
      const orders = Array.from({ length: 1 + (nth % 4) * 9 }, (_, at) =>
        intakeOrder({ accountId: `acc-${client}`, quantity: 1 + at }),
      );
      const body = orders.length === 1 ? orders[0] : orders;
      while (!this.isOver && !(await this.isAccepted(body, `${client}-${nth}`))) {
        this.repeated += 1;
        await betweenTries(RETRY_MS);
      }
      this.requests += 1;
    }
  }

  /** Sends a request. @returns false when it must be repeated */
  private async isAccepted(body: unknown, key: string): Promise<boolean> {
    const answer = await sendOrders(this.pipeline, body, key).catch(() => undefined);
    if (answer === undefined || answer.status === 503) return false;
    if (answer.status !== 202) throw new Error(`status ${answer.status}: ${JSON.stringify(answer.body)}`);
    for (const { id, number } of answer.body.items) {
      if (this.accepted.has(id)) throw new Error(`two requests have the order ${id}`);
      this.accepted.set(id, number);
    }
    return true;
  }
}

async function untilFurther(flood: Flood, requests: number): Promise<void> {
  const from = flood.requests;
  await eventually('the flood continues', () => flood.requests > from + requests);
}

/** Runs work while a process hangs. It goes on in any case: an open request to it would not end. */
async function whileStopped(pid: number, work: () => Promise<void>): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

describe('the intake', () => {
  let pipeline: TestSystem;
  const draw = createDraws(SEED);

  beforeAll(async () => {
    pipeline = await TestSystem.start({ servers: 'own', flags: ['--no-console', '--save-ms', '0..5'] });
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  /** Checks that every accepted order is saved once, under its number, and that every other number is known to be unused. */
  async function expectComplete(flood: Flood): Promise<void> {
    await eventually('every batch is settled', async () => {
      return (await intakeBatchesCollection(pipeline.db).countDocuments({ state: 'reserved' })) === 0;
    });
    const highest = await highestReservedNumber(pipeline.db);
    await eventually('every number is complete', async () => {
      const { headers } = await pipeline.get('/v1/orders?pageSize=1');
      return Number(headers.get('x-complete-through')) === highest;
    });
    const orders = await ordersCollection(pipeline.db).find().toArray();
    const saved = new Map(orders.map(({ _id, number }) => [_id.toHexString(), Number(number)]));
    const wrong = [...flood.accepted].filter(([id, number]) => saved.get(id) !== number);
    expect(wrong).toEqual([]);
    const unused = await intakeBatchesCollection(pipeline.db).find({ state: 'abandoned' }).toArray();
    expect(saved.size + unused.reduce((sum, { count }) => sum + count, 0)).toBe(highest);
    for (const { _id } of await operationsCollection(pipeline.db).find({ kind: 'intake' }).toArray())
      expect(await reconciled(pipeline, _id)).toMatchObject(HOLDS);
  }

  /** Marks all running operations as succeeded once a second, as a producer of 0.1.0 does with those that have nothing left to emit. */
  async function settleLikeEarlierVersion(stopping: AbortSignal): Promise<void> {
    const operations = operationsCollection(pipeline.db);
    while (!stopping.aborted) {
      await operations.updateMany({ kind: 'intake', status: 'running' }, { $set: { status: 'succeeded' } });
      await betweenTries(1_000, stopping);
    }
  }

  it('loses and doubles nothing that it accepted while its producer is killed again and again', async () => {
    const flood = await Flood.during(pipeline, async (sent) => {
      for (let kills = 0; kills < KILLS; kills += 1) {
        await untilFurther(sent, 20 + draw(1, kills, 100));
        process.kill(pipeline.process('producer').pid, 'SIGKILL');
      }
      await untilFurther(sent, 20);
    });
    expect(flood.repeated).toBeGreaterThan(0);
    await expectComplete(flood);
    await eventually('the operations of the killed producers are closed', async () => {
      return (await operationsCollection(pipeline.db).countDocuments({ kind: 'intake', status: 'running' })) === 1;
    });
  });

  it('loses and doubles nothing beside a producer of 0.1.0, which marks the operation as succeeded while it receives orders', async () => {
    const older = new AbortController();
    const settling = settleLikeEarlierVersion(older.signal);
    const flood = await Flood.during(pipeline, async (sent) => {
      for (let kills = 0; kills < KILLS; kills += 1) {
        await untilFurther(sent, 20 + draw(2, kills, 100));
        process.kill(pipeline.process('producer').pid, 'SIGKILL');
      }
      await untilFurther(sent, 20);
    }).finally(() => older.abort());
    await settling;
    expect(flood.accepted.size).toBeGreaterThan(100);
    await expectComplete(flood);
  });

  it.each(['Kafka', 'MongoDB'])(
    'rejects requests while %s is unavailable for longer than their time-out, and loses and doubles nothing',
    async (server) => {
      const flood = await Flood.during(pipeline, async (sent) => {
        await untilFurther(sent, 50);
        const { repeated } = sent;
        await whileStopped(pipeline.process(server).pid, async () =>
          eventually('requests are rejected', () => sent.repeated > repeated),
        );
        await untilFurther(sent, 50);
      });
      expect(flood.accepted.size).toBeGreaterThan(100);
      await expectComplete(flood);
    },
  );

  it('loses and doubles nothing when a producer hangs until another one has closed its operation', async () => {
    const operations = operationsCollection(pipeline.db);
    const other = await ExtraProducer.start(pipeline);
    try {
      const flood = await Flood.during(pipeline, async (sent) => {
        await untilFurther(sent, 50);
        const running = await operations.findOne({ kind: 'intake', status: 'running' });
        await whileStopped(pipeline.process('producer').pid, async () =>
          eventually('the other producer closes the operation', async () => {
            const operation = await operations.findOne({ _id: running?._id ?? '' });
            return operation?.status === 'succeeded';
          }),
        );
        await untilFurther(sent, 50);
      });
      expect(flood.accepted.size).toBeGreaterThan(100);
      await expectComplete(flood);
    } finally {
      await other.kill();
    }
  });
});
