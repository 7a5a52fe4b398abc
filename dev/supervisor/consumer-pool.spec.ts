import { describe, expect, it } from '@jest/globals';
import type { App } from './apps.js';
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

/** Waits until everything has run that needs no external event. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A pool whose consumers become ready, and end, when the spec says so. */
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
  return {
    made,
    lines,
    drained,
    names: () => pool.running.map(({ name }) => name),
    close: async () => pool.close(),
    start: (count: number) => void pool.start(count),
    scale: async (count: number) => {
      pool.scale(count);
      await settled();
    },
    /** All that were made become ready. */
    ready: async () => {
      for (const app of made) app.ready.resolve();
      await settled();
    },
    /** All that are being drained end. */
    end: async () => {
      for (const drain of drains) drain.resolve();
      await settled();
    },
  };
}

describe('the consumers of a stack', () => {
  it('are started together, and further ones with the next numbers', async () => {
    const pool = setUp();
    pool.start(1);
    await pool.ready();
    await pool.scale(3);
    expect(pool.names()).toEqual(['consumer-1', 'consumer-2', 'consumer-3']);
    await pool.ready();
    expect(pool.lines).toEqual(['starting consumer-2, consumer-3', '3 consumers run']);
  });

  it('are drained from the highest number down, and one that was drained is replaced under its name', async () => {
    const pool = setUp();
    pool.start(3);
    await pool.ready();
    await pool.scale(1);
    expect([pool.names(), pool.drained]).toEqual([['consumer-1'], ['consumer-2', 'consumer-3']]);
    await pool.end();
    expect(pool.lines.at(-1)).toBe('1 consumer runs');
    await pool.scale(2);
    expect(pool.names()).toEqual(['consumer-1', 'consumer-2']);
  });

  it('are scaled one change after another; of several pending changes only the last counts', async () => {
    const pool = setUp();
    pool.start(1);
    await pool.scale(2);
    await Promise.all([pool.scale(9), pool.scale(4)]);
    expect(pool.names()).toHaveLength(2);
    await pool.ready();
    expect(pool.names()).toHaveLength(4);
  });

  it('continue without one that does not become ready', async () => {
    const pool = setUp();
    pool.start(1);
    await pool.scale(3);
    pool.made[1]?.ready.reject(new Error('The consumer-2 was not ready within 60 s.'));
    await pool.ready();
    expect([pool.names(), pool.drained]).toEqual([['consumer-1', 'consumer-3'], ['consumer-2']]);
    expect(pool.lines).toContain('The consumer-2 was not ready within 60 s.');
    await pool.end();
    await pool.scale(4);
    expect(pool.names()).toEqual(['consumer-1', 'consumer-2', 'consumer-3', 'consumer-4']);
  });

  it('are not scaled any more once the stack stops', async () => {
    const pool = setUp();
    pool.start(1);
    void pool.close();
    await pool.scale(5);
    expect(pool.names()).toEqual(['consumer-1']);
  });

  it('have all ended when the stack has stopped, including those that were being drained', async () => {
    const pool = setUp();
    pool.start(2);
    await pool.ready();
    await pool.scale(1);
    let isClosed = false;
    const closing = pool.close().then(() => (isClosed = true));
    await settled();
    expect(isClosed).toBe(false);
    await pool.end();
    await closing;
  });
});
