import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, it, afterAll, beforeAll } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { sidesBetween } from '../testing/written-side-contract.js';
import { Breaker } from './side-connection.js';
import { SideUnavailableError } from './side.js';
import { DeadLetteredOrders } from './target-side.js';
import type { Sides } from './sides.js';

const PAUSE_MS = 500;

describe('a circuit breaker after nine requests without an answer', () => {
  let clock: ManualClock;
  let isBack: boolean;
  let asked: number;
  let breaker: Breaker;

  async function ask(): Promise<string> {
    asked += 1;
    if (!isBack) throw new SideUnavailableError('new', 'no-connection', 'it is unavailable');
    return Promise.resolve('answer');
  }

  beforeEach(async () => {
    clock = new ManualClock();
    [isBack, asked] = [false, 0];
    breaker = new Breaker({ side: 'new', maxRunning: 100, probe: ask, clock });
    await failNineTimes();
  });

  async function failNineTimes(): Promise<void> {
    for (let request = 0; request < 9; request += 1) await breaker.run(ask).catch(() => undefined);
  }

  it('counts anew after an answer', async () => {
    isBack = true;
    await breaker.run(ask);
    isBack = false;
    await failNineTimes();
    expect(breaker.isOpen).toBe(false);
  });

  it('is closed by a probe only, not by a late answer', async () => {
    const late = Promise.withResolvers<string>();
    const waiting = breaker.run(async () => late.promise);
    await expect(breaker.run(ask)).rejects.toMatchObject({ reason: 'no-connection' });
    late.resolve('late');
    expect(await waiting).toBe('late');
    expect(breaker.isOpen).toBe(true);
  });

  it('rejects at once what is beyond the bound of running requests', async () => {
    const narrow = new Breaker({ side: 'new', maxRunning: 1, probe: ask, clock });
    const answer = Promise.withResolvers<string>();
    const running = narrow.run(async () => answer.promise);
    await expect(narrow.run(ask)).rejects.toMatchObject({ reason: 'overloaded' });
    answer.resolve('answer');
    await running;
    isBack = true;
    expect(await narrow.run(ask)).toBe('answer');
  });

  it('opens at the tenth, and probes the side by itself until it is back', async () => {
    expect(breaker.isOpen).toBe(false);
    await expect(breaker.run(ask)).rejects.toMatchObject({ reason: 'no-connection' });
    expect(breaker.isOpen).toBe(true);
    await expect(breaker.run(ask)).rejects.toMatchObject({ reason: 'breaker-open' });
    expect(asked).toBe(10);
    await clock.advance(2 * PAUSE_MS);
    expect([asked, breaker.isOpen]).toEqual([12, true]);
    isBack = true;
    await clock.advance(PAUSE_MS);
    expect([asked, breaker.isOpen]).toEqual([13, false]);
    expect(await breaker.run(ask)).toBe('answer');
  });

  it('does not probe once it is closed for good', async () => {
    await expect(breaker.run(ask)).rejects.toMatchObject({ reason: 'no-connection' });
    breaker.close();
    await clock.advance(PAUSE_MS);
    expect(asked).toBe(10);
  });
});

const { signal } = new AbortController();
const ORDERS = ['a', 'b', 'c'].map((id, at) => ({ id, operationId: 'today', number: 100 + at }));

describe('dead-lettered orders', () => {
  let clock: ManualClock;
  let searches: string[];
  let numbers: Set<number>;
  let letters: DeadLetteredOrders;

  beforeEach(() => {
    clock = new ManualClock();
    searches = [];
    numbers = new Set();
    letters = new DeadLetteredOrders(async (operationId) => {
      searches.push(operationId);
      return numbers;
    }, clock);
    letters.remember(ORDERS);
  });

  const among = async (...ids: string[]) => [...(await letters.among(ids, signal))];

  it('are found by operation and number, once they are overdue', async () => {
    numbers.add(101);
    expect(await among('a', 'b')).toEqual([]);
    expect(searches).toEqual([]);
    await clock.advance(5_000);
    expect(await among('a', 'b')).toEqual(['b']);
    expect(searches).toEqual(['today']);
  });

  it('are searched once in a while, however often they are asked for', async () => {
    await clock.advance(5_000);
    for (let at = 0; at < 10; at += 1) await among('a');
    expect(searches).toHaveLength(1);
    numbers.add(100);
    await clock.advance(2_000);
    expect(await among('a')).toEqual(['a']);
    expect(await among('a', 'b')).toEqual(['a']);
    expect(searches).toHaveLength(2);
  });

  it('are not searched for orders that are saved, or of another process', async () => {
    letters.forget(['a', 'b', 'c']);
    await clock.advance(60_000);
    expect(await among('a', 'unknown')).toEqual([]);
    expect(searches).toEqual([]);
  });

  it('are no longer found by an earlier number after a repeated write', async () => {
    numbers.add(100);
    letters.remember([{ id: 'a', operationId: 'tomorrow', number: 7 }]);
    await clock.advance(5_000);
    expect(await among('a')).toEqual([]);
    expect(searches).toEqual(['tomorrow']);
  });
});

const PATH = '/orders/some';

describe('the connections of the facade', () => {
  /** Hangs for a GET, and answers a POST. */
  const legacy = createServer(({ method }, response) => {
    if (method === 'POST') response.end('null');
  });
  let sides: Sides;

  beforeAll(async () => {
    await once(legacy.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(legacy.address() as AddressInfo).port}`;
    sides = sidesBetween({ LEGACY_URL: url, targetUrl: url, LEGACY_CONNECTIONS: 1 });
  });

  afterAll(async () => {
    await sides.close();
    legacy.closeAllConnections();
    legacy.close();
  });

  it('are others for writes than for reads, which may hold all of theirs', async () => {
    const asked = once(legacy, 'request');
    const client = new AbortController();
    const reading = sides.reading.legacy
      .forward({ method: 'GET', path: PATH, signal: client.signal }, () => 'read')
      .catch((error: Error) => error.message);
    await asked;
    const written = await sides.answering.legacy.forward(
      { method: 'POST', path: PATH, body: '{}' },
      ({ status, body }) => {
        body.resume();
        return status;
      },
    );
    expect(written).toBe(200);
    client.abort(new Error('gone'));
    expect(await reading).toBe('gone');
  });
});
