import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiProblem } from '../client.js';
import type { Migration } from '#api/facade.js';
import { MigrationFeed } from './migration-page.js';
import { migrationOf } from './testing/migration-example.js';

const NOTHING: Readonly<Record<string, unknown>> = {
  '/v1/migration/pending': { count: 0, items: [] },
  '/v1/migration/audit?pageSize=20': { items: [] },
};

describe('the feed of the migration', () => {
  /** What the facade answers to the requests for its state, in their order. */
  let states: Promise<Migration>[];
  let feed: MigrationFeed;

  beforeEach(() => {
    states = [];
    feed = new MigrationFeed({ get: async <T>(path: string) => (await answer(path)) as T }, () => true);
  });

  afterEach(() => feed.polling.stop());

  async function answer(path: string): Promise<unknown> {
    if (path === '/v1/migration') return states.shift();
    if (path in NOTHING) return NOTHING[path];
    throw new ApiProblem(404, 'not-found', 'There was none yet.');
  }

  async function changed(): Promise<void> {
    await new Promise((resolve) => {
      feed.addEventListener('change', resolve, { once: true });
    });
  }

  it('has the state and what belongs to it, without a backfill and a verify before the first', async () => {
    states.push(Promise.resolve(migrationOf()));
    feed.polling.start();
    await changed();
    expect(feed).toMatchObject({ state: { revision: 1 }, failure: null, backfill: null, verify: null, audit: [] });
    expect(feed.pending?.count).toBe(0);
  });

  it('ignores the answer to a poll that began before the latest one', async () => {
    const slow = Promise.withResolvers<Migration>();
    states.push(slow.promise, Promise.resolve(migrationOf({}, { revision: 3 })));
    feed.polling.start();
    await feed.polling.refresh();
    slow.resolve(migrationOf({}, { revision: 2 }));
    await slow.promise;
    await new Promise(setImmediate);
    expect(feed.state?.revision).toBe(3);
  });

  it('takes the state of a change, unless a newer one is known', () => {
    feed.take(migrationOf({}, { revision: 5 }));
    feed.take(migrationOf({}, { revision: 4 }));
    expect(feed.state?.revision).toBe(5);
  });

  it.each([
    [404, 'not-found', 'no-facade', 'none'],
    [403, 'forbidden', 'forbidden', 'none'],
    [503, 'service-away', 'unavailable', 'none'],
    [0, 'no-answer', 'unavailable', 'There was no answer within 5 s.'],
  ])('after %d %s keeps the last state, and says why it is not that of now', async (status, code, kind, text) => {
    states.push(Promise.resolve(migrationOf()));
    await feed.polling.refresh();
    states.push(Promise.reject(new ApiProblem(status, code, 'none')));
    await feed.polling.refresh();
    expect(feed.failure).toEqual({ kind, text: expect.stringContaining(text) });
    expect(feed.state?.revision).toBe(1);
  });

  it('forgets what it knows at a sign-out, also what is on its way', async () => {
    const late = Promise.withResolvers<Migration>();
    feed.take(migrationOf());
    states.push(late.promise);
    feed.polling.start();
    feed.forget();
    late.resolve(migrationOf());
    await late.promise;
    await new Promise(setImmediate);
    expect(feed.state).toBeNull();
  });
});
