import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Sides } from './sides.js';
import { sidesBetween } from '../testing/written-side-contract.js';

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
    sides = sidesBetween({ legacyUrl: url, newUrl: url, legacyConnections: 1 });
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
