import { describe, expect, it } from '@jest/globals';
import type { App } from './app.js';
import { ConsumerPool } from './consumer-pool.js';

/** A consumer that becomes ready, or fails, when the spec decides. */
class ManualApp {
  readonly ready = Promise.withResolvers<void>();
  wasStarted = false;

  constructor(readonly name: string) {}

  async start(): Promise<void> {
    this.wasStarted = true;
    return this.ready.promise;
  }
}

function setUp() {
  const made: ManualApp[] = [];
  const lines: string[] = [];
  const drained: string[] = [];
  const drains: PromiseWithResolvers<void>[] = [];
  const pool = new ConsumerPool({
    make: (n) => {
      const app = new ManualApp(`consumer-${n}`);
      made.push(app);
      return app as unknown as App;
    },
    drain: async ({ name }) => {
      drained.push(name);
      const drain = Promise.withResolvers<void>();
      drains.push(drain);
      return drain.promise;
    },
    print: (line) => void lines.push(line),
  });
  const names = (): string[] => pool.running.map(({ name }) => name);
  const allReady = async (): Promise<void> => {
    for (const app of made) app.ready.resolve();
    await settled();
  };
  return { pool, made, lines, drained, drains, names, allReady };
}

/** Waits until everything has run that needs no external event. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('the consumers of a stack', () => {
  it('are started together, and further ones with the next numbers', async () => {
    const { pool, names, lines, allReady } = setUp();
    void pool.start(1);
    await allReady();
    pool.scale(3);
    await settled();
    expect(names()).toEqual(['consumer-1', 'consumer-2', 'consumer-3']);
    await allReady();
    expect(lines).toEqual(['starting consumer-2, consumer-3', '3 consumers run']);
  });

  it('are drained from the highest number down, and one that was drained is replaced under its name', async () => {
    const { pool, drained, drains, names, lines, allReady } = setUp();
    void pool.start(3);
    await allReady();
    pool.scale(1);
    await settled();
    expect([names(), drained]).toEqual([['consumer-1'], ['consumer-2', 'consumer-3']]);
    for (const drain of drains) drain.resolve();
    await settled();
    expect(lines.at(-1)).toBe('1 consumer runs');
    pool.scale(2);
    await settled();
    expect(names()).toEqual(['consumer-1', 'consumer-2']);
  });

  it('are scaled one change after another; of several pending changes only the last counts', async () => {
    const { pool, names, allReady } = setUp();
    void pool.start(1);
    pool.scale(2);
    await settled();
    pool.scale(9);
    pool.scale(4);
    await settled();
    expect(names()).toHaveLength(2);
    await allReady();
    expect(names()).toHaveLength(4);
  });

  it('continue without one that does not become ready', async () => {
    const { pool, made, names, lines, drained, drains } = setUp();
    void pool.start(1);
    pool.scale(3);
    await settled();
    made[1]?.ready.reject(new Error('The consumer-2 was not ready within 60 s.'));
    made[2]?.ready.resolve();
    await settled();
    expect(names()).toEqual(['consumer-1', 'consumer-3']);
    expect(drained).toEqual(['consumer-2']);
    expect(lines).toContain('The consumer-2 was not ready within 60 s.');
    drains[0]?.resolve();
    await settled();
    pool.scale(4);
    await settled();
    expect(names()).toEqual(['consumer-1', 'consumer-2', 'consumer-3', 'consumer-4']);
  });

  it('are not scaled any more once the stack stops', async () => {
    const { pool, names } = setUp();
    void pool.start(1);
    void pool.close();
    pool.scale(5);
    await settled();
    expect(names()).toEqual(['consumer-1']);
  });

  it('have all ended when the stack has stopped, including those that were being drained', async () => {
    const { pool, drains, allReady } = setUp();
    void pool.start(2);
    await allReady();
    pool.scale(1);
    await settled();
    let isClosed = false;
    const closing = pool.close().then(() => (isClosed = true));
    await settled();
    expect(isClosed).toBe(false);
    drains[0]?.resolve();
    await closing;
  });
});
