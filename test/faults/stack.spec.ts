import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { consumersCollection } from '#orders/consumer/consumers.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import { eventually } from '../support/eventually.js';
import { expectedOrders, type PopulateResponse } from '../support/tested-stack.js';
import { alive, allEnded, RunningStack } from '../support/running-stack.js';
import { asAdmin, quietKafka } from '../support/topic-writer.js';

const COUNT = 36_000;
const FLAGS = ['--save-ms', '0..1000', '--in-flight', '1000'];

/** Returns the id of the stack's Kafka, which identifies its data. */
async function clusterIdOf(stack: RunningStack): Promise<string> {
  return (await asAdmin(quietKafka(stack.brokers), (admin) => admin.describeCluster())).clusterId;
}

describe('npm start, when processes are killed', () => {
  let folder: string;
  let data: string;
  let stack: RunningStack;
  let firstCluster: string;
  let populate: PopulateResponse;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-stack-'));
    data = join(folder, 'data');
    stack = await RunningStack.start({ dataDirectory: data, flags: FLAGS });
    firstCluster = await clusterIdOf(stack);
    await stack.db.collection('marks').insertOne({ left: true }, { writeConcern: { w: 'majority', j: true } });
  });

  afterAll(async () => {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const operation = async (): Promise<PopulateResponse> => stack.operation(populate.id);

  /** Waits until more than `orders` orders are saved, but by far not all. */
  async function savedBeyond(orders: number): Promise<void> {
    await eventually(`more than ${orders} orders are saved`, async () => {
      return ((await operation()).saved ?? 0) > orders;
    });
    expect((await operation()).saved).toBeLessThan(COUNT);
  }

  it('runs beside another stack without interference, which leaves no process when its supervisor is killed', async () => {
    const other = await RunningStack.start({ dataDirectory: join(folder, 'other') });
    expect(await clusterIdOf(other)).not.toBe(firstCluster);
    const left = other.processes();
    other.signal('SIGKILL');
    await allEnded(left);
    expect(await clusterIdOf(stack)).toBe(firstCluster);
  });

  it('restarts a crashed app', async () => {
    const crashed = stack.process('consumer-1');
    process.kill(crashed.pid, 'SIGKILL');
    await stack.runsAgain(crashed);
    await eventually('it saves', async () => {
      const heartbeats = await consumersCollection(stack.db).find({ state: 'ready' }).toArray();
      return heartbeats.some(({ pid }) => pid === stack.process('consumer-1').pid) || heartbeats;
    });
    expect(stack.process('consumer-1').pid).not.toBe(crashed.pid);
  });

  it('restarts a crashed server, and the apps become ready again', async () => {
    const crashed = stack.process('Kafka');
    process.kill(crashed.pid, 'SIGKILL');
    await stack.runsAgain(crashed);
    await eventually('the producer is ready', async () => (await fetch(`${stack.producerUrl}/health/ready`)).ok);
    expect(await clusterIdOf(stack)).toBe(firstCluster);
  });

  it('stops during a populate without losing an offset, and rejects another number of partitions', async () => {
    populate = await stack.populate({ count: COUNT, seed: 11, ratePerSecond: 6_000 });
    await savedBeyond(3_000);
    expect(await stack.stop()).toBe(0);
    expect(stack.output).toMatch(/ 0 unaccounted for/);
    const { code, output } = await RunningStack.fail({ dataDirectory: data, flags: ['--partitions', '5'] });
    expect(code).toBe(1);
    expect(output).toContain('was created with 12 partitions, but 5 were requested');
  });

  it('starts again with its data, on any ports, and continues the populate', async () => {
    stack = await RunningStack.start({ dataDirectory: data, flags: FLAGS });
    expect(await clusterIdOf(stack)).toBe(firstCluster);
    expect(await stack.db.collection('marks').countDocuments()).toBe(1);
    expect(await (await fetch(`${stack.registryUrl}/subjects`)).json()).toContain('orders.v1-value');
    await savedBeyond(((await operation()).saved ?? 0) + 3_000);
  });

  it('completes the populate after kill -9 of all processes at once, without losing or doubling an order', async () => {
    await stack.killAll();
    stack = await RunningStack.start({ dataDirectory: data, flags: FLAGS });
    const done = await stack.allSaved(populate.id);
    expect(done).toMatchObject({ status: 'succeeded', acked: COUNT, saved: COUNT, deadLettered: 0 });
    const pages: OrderResponse[][] = await stack.walk('/v1/orders?page=1&pageSize=1000');
    expect(pages.flat()).toEqual(expectedOrders(done));
    expect(await stack.db.collection('orders').countDocuments()).toBe(COUNT);
  });

  it('starts right after a kill of its supervisor, which could stop no process', async () => {
    const left = stack.processes();
    await stack.close();
    stack.signal('SIGKILL');
    stack = await RunningStack.start({ dataDirectory: data, by: 'npm' });
    await allEnded(left);
    expect(await clusterIdOf(stack)).toBe(firstCluster);
    expect(await stack.db.collection('marks').countDocuments()).toBe(1);
  });

  it('exits by itself when npm is killed', async () => {
    const left = stack.processes();
    stack.signal('SIGKILL');
    await allEnded(left);
    expect(alive(left)).toEqual([]);
  });

  it('leaves no app running that was starting when its supervisor was killed', async () => {
    const begun = await RunningStack.launch({ dataDirectory: join(folder, 'begun') });
    await eventually('the console starts', () => begun.processes().some(({ name }) => name === 'console'));
    const left = begun.processes();
    begun.signal('SIGKILL');
    expect(left.map(({ name }) => name)).toContain('consumer-1');
    await allEnded(left);
  });
});
