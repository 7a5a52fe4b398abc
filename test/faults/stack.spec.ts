import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { RunningStack, survivors } from '../support/running-stack.js';
import { clusterIdOf, findMark, leaveMark } from '../support/stack-marks.js';

const A_START = 150_000;

describe('npm start, when processes are killed', () => {
  let folder: string;
  let data: string;
  let stack: RunningStack;
  let firstCluster: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-stack-'));
    data = join(folder, 'data');
    stack = await RunningStack.start({ dataDirectory: data });
    firstCluster = await clusterIdOf(stack);
    await leaveMark(stack);
  }, A_START * 2);

  afterAll(async () => {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }, A_START);

  it(
    'runs beside another stack without interference',
    async () => {
      const other = await RunningStack.start({ dataDirectory: join(folder, 'other') });
      expect(await clusterIdOf(other)).not.toBe(firstCluster);
      expect(await other.stop()).toBe(0);
    },
    A_START,
  );

  it('restarts a crashed app', async () => {
    const crashed = stack.process('consumer-1');
    process.kill(crashed.pid, 'SIGKILL');
    await stack.prints(/^consumer-1 is ready again/, 60_000);
    expect(stack.process('consumer-1').pid).not.toBe(crashed.pid);
  }, 70_000);

  it('restarts a crashed server, and the apps become ready again', async () => {
    const crashed = stack.process('Kafka');
    process.kill(crashed.pid, 'SIGKILL');
    await stack.prints(/^Kafka ended, restarting: ending="SIGKILL"/, 10_000);
    await eventually(
      'the producer is ready',
      60_000,
      async () => (await fetch(`${stack.producerUrl}/health/ready`)).ok,
    );
    expect(await clusterIdOf(stack)).toBe(firstCluster);
  }, 80_000);

  it(
    'keeps its data across restarts, on any ports, and rejects another number of partitions',
    async () => {
      await stack.stop();
      const { code, output } = await RunningStack.fail({ dataDirectory: data, flags: ['--partitions', '5'] });
      expect(code).toBe(1);
      expect(output).toContain('was created with 12 partitions, but 5 were requested');
      stack = await RunningStack.start({ dataDirectory: data });
      expect(await clusterIdOf(stack)).toBe(firstCluster);
      expect(await findMark(stack)).toBe(true);
      expect(await (await fetch(`${stack.registryUrl}/subjects`)).json()).toContain('orders.v1-value');
    },
    A_START,
  );

  it(
    'starts right after a kill of its supervisor, which could stop no process',
    async () => {
      const left = stack.processes();
      stack.signal('SIGKILL');
      stack = await RunningStack.start({ dataDirectory: data, by: 'npm' });
      expect(await survivors(left, 1_000)).toEqual([]);
      expect(await clusterIdOf(stack)).toBe(firstCluster);
      expect(await findMark(stack)).toBe(true);
    },
    A_START,
  );

  it('exits by itself when npm is killed', async () => {
    const left = stack.processes();
    stack.signal('SIGKILL');
    expect(await survivors(left, 30_000)).toEqual([]);
  }, 40_000);

  it(
    'leaves no process running when its supervisor is killed and not started again',
    async () => {
      stack = await RunningStack.start({ dataDirectory: data });
      const left = stack.processes();
      stack.signal('SIGKILL');
      expect(await survivors(left, 30_000)).toEqual([]);
    },
    A_START + 30_000,
  );

  it(
    'leaves no app running that was starting when its supervisor was killed',
    async () => {
      const begun = await RunningStack.launch({ dataDirectory: join(folder, 'begun') });
      await eventually('the console starts', A_START, () => begun.processes().some(({ name }) => name === 'console'));
      const left = begun.processes();
      begun.signal('SIGKILL');
      expect(left.map(({ name }) => name)).toContain('consumer-1');
      expect(await survivors(left, 30_000)).toEqual([]);
    },
    A_START + 30_000,
  );
});
