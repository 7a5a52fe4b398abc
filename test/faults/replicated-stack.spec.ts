import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import { reconciled } from '../support/started-app.js';

const PER_SECOND = 1_000;
const COUNT = 30_000;
/** More than the orders that are in the pipeline at a kill. */
const UNDER_WAY = 5_000;
const PROCESSES = 15;
const KILLS = 3;
const READERS = 4;
const HOLDS = { code: 0, verdict: 'holds', missing: 0, doubled: 0, altered: 0, phantom: 0, pending: 0 };

/** Reads pages all the time, and notes each response that is not 200. */
class Readers {
  readonly failures: string[] = [];
  private responses = 0;
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>;

  constructor(private readonly url: string) {
    this.running = Promise.all(Array.from({ length: READERS }, async (_, index) => this.read(index + 1)));
  }

  /** Resolves when each of them has read after the call. */
  async readOn(): Promise<void> {
    const before = this.responses;
    // Some of the first responses can be to requests that were sent before.
    await eventually('pages are read', () => this.responses > before + 2 * READERS);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async read(page: number): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const response = await fetch(`${this.url}/v1/orders?page=${page}&pageSize=10`);
      const text = await response.text();
      this.responses += 1;
      if (!response.ok) this.failures.push(`${response.status} ${text}`);
    }
  }
}

describe('a replicated stack', () => {
  let pipeline: TestSystem;
  const operations: string[] = [];

  beforeAll(async () => {
    pipeline = await TestSystem.start({
      servers: 'own',
      flags: ['--replicated', '--save-ms', '0..200', '--partitions', '6'],
    });
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  /** Waits until more than `orders` orders are saved; the producer may not answer for a time because of a kill. @returns the saved orders */
  async function savedBeyond(id: string, orders: number): Promise<number> {
    let saved = 0;
    await eventually(`more than ${orders} orders are saved`, async () => {
      saved = (await pipeline.operation(id).catch(() => undefined))?.saved ?? 0;
      return saved > orders;
    });
    return saved;
  }

  /** Reads the console's figure of the orders topic; `undefined` while it is unknown. */
  async function underReplicated(): Promise<number | undefined> {
    const text = await (await fetch(`${pipeline.consoleUrl}/metrics`)).text();
    const value = /^pipeline_under_replicated_partitions\{topic="orders\.v1"\} (\d+)$/m.exec(text)?.[1];
    return value === undefined ? undefined : Number(value);
  }

  async function primary(): Promise<string> {
    const { primary: host } = await pipeline.db.admin().command({ hello: 1 });
    const port = Number(String(host).split(':')[1]);
    return `MongoDB-${port - Number(pipeline.ports['MONGODB_PORT']) + 1}`;
  }

  it('runs three nodes of Kafka and MongoDB, two producers and query APIs, and three consumers', () => {
    const names = pipeline.processes().map(({ name }) => name);
    expect(names.toSorted()).toEqual(
      [
        ...[1, 2, 3].flatMap((n) => [`Kafka-${n}`, `MongoDB-${n}`, `consumer-${n}`]),
        'producer',
        'producer-2',
        'query-api',
        'query-api-2',
        'console',
        'schema registry',
      ].toSorted(),
    );
  });

  it.each<[string, () => Promise<string>]>([
    ["MongoDB's primary", primary],
    ['a node of Kafka', async () => Promise.resolve('Kafka-2')],
  ])('continues after a kill of %s, and every read succeeds', async (_, name) => {
    // Of its own, so that the kill finds orders under way on any machine.
    const { id } = await pipeline.populate({ count: COUNT, ratePerSecond: PER_SECOND });
    operations.push(id);
    const before = await savedBeyond(id, 0);
    const { pid } = pipeline.process(await name());
    const readers = new Readers(pipeline.queryApiUrl);
    try {
      process.kill(pid, 'SIGKILL');
      await savedBeyond(id, before + UNDER_WAY);
      await readers.readOn();
    } finally {
      await readers.stop();
    }
    expect(readers.failures).toEqual([]);
    await eventually('all processes run again', async () => {
      return Promise.resolve(pipeline.processes().length === PROCESSES);
    });
  });

  it.each(['MongoDB-2', 'schema registry', 'producer'])(
    'restarts %s after several kills, even during its restart',
    async (name) => {
      const system = pipeline;
      const [before, printed] = [system.processes().length, system.output.length];
      for (let killed = 0; killed < KILLS; killed += 1) {
        const ended = system.process(name);
        process.kill(ended.pid, 'SIGKILL');
        await system.runsAgain(ended);
      }
      await eventually('the process is ready again', () =>
        // oxlint-disable-next-line cases/no-awaited-log -- what the supervisor prints is its answer to the user.
        new RegExp(`^${name} (serves|is ready) again`, 'm').test(system.output.slice(printed)),
      );
      expect(system.processes()).toHaveLength(before);
    },
  );

  it('counts the partitions that lack a replica, while a node of Kafka hangs', async () => {
    const { pid } = pipeline.process('Kafka-3');
    let lacking = 0;
    process.kill(pid, 'SIGSTOP');
    try {
      await eventually('some lack a replica', async () => {
        lacking = (await underReplicated()) ?? 0;
        return lacking > 0;
      });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(lacking).toBeGreaterThan(0);
    await eventually('none lacks one', async () => (await underReplicated()) === 0);
  });

  it('has lost nothing at the end', async () => {
    expect(operations).toHaveLength(2);
    for (const id of operations) {
      await savedBeyond(id, COUNT - 1);
      expect(await reconciled(pipeline, id)).toMatchObject({ ...HOLDS, acked: COUNT, saved: COUNT });
    }
  });

  it('stops at once while one server waits for its restart and another one restarts', async () => {
    const system = pipeline;
    const ended = ['Kafka-1', 'MongoDB-3'].map((name) => system.process(name));
    for (const { pid } of ended) process.kill(pid, 'SIGKILL');
    await system.prints(/^Kafka-1 ended, restarting/);
    expect(await system.stop()).toBe(0);
    expect(system.processes()).toEqual([]);
  });
});
