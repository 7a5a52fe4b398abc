import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { eventually } from '../support/eventually.js';
import { launchBrowser } from './browser.js';
import { ConsolePage } from './console-page.js';

const PAGE = join(PROJECT_DIRECTORY, 'dist/apps/console/page');
const HOUR = 3_600;
const START_MS = Date.parse('2026-01-31T12:00:00Z');
/** Enough to fill the finest series of the history. */
const FILLED = 1_000;

/** The event that the console sends each second; the test sends it faster. */
function pipelineAt(second: number): object {
  const at = new Date(START_MS + 1_000 * second).toISOString();
  const change = { at, secondsAgo: second % 600, kind: 'rebalance', from: null, to: null, before: null, after: null };
  return {
    at,
    scaling: null,
    producedPerSecond: 4_000 + (second % 700),
    savedPerSecond: 3_900 + (second % 500),
    inFlight: 2_000,
    lagRecords: second * 10,
    lagSeconds: 3,
    secondsToDrain: 12,
    deadLetters: 7,
    partitions: Array.from({ length: 12 }, (_, partition) => ({
      partition,
      endOffset: second * 400,
      committedOffset: second * 390,
      lagRecords: second * 10,
      lagSeconds: 2,
      owner: `c${partition % 2}`,
    })),
    consumers: [0, 1].map((index) => ({
      id: `c${index}`,
      name: `consumer-${index + 1}`,
      partitions: [0, 1, 2, 3, 4, 5].map((each) => 2 * each + index),
      ratePerSecond: 1_950,
      inFlight: 1_000,
      inFlightLimit: 1_000,
      inFlightSet: 1_000,
      rebalances: 2,
      state: 'ready',
      notReadyBecause: null,
      silentSeconds: 0.4,
    })),
    changes: Array.from({ length: 20 }, () => ({ ...change, verdict: null, crash: null })),
  };
}

describe('a console tab that stays open', () => {
  let browser: Browser;
  let server: Server;
  let stream: ServerResponse | undefined;
  let second = 0;

  beforeAll(async () => {
    browser = await launchBrowser();
    server = createServer((request, response) => void answer(request.url ?? '/', response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  }, 300_000);

  afterAll(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  });

  async function answer(path: string, response: ServerResponse): Promise<void> {
    if (path === '/v1/pipeline/events') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      send(1);
    } else if (path.startsWith('/v1/'))
      response.end(JSON.stringify({ items: [], series: [], page: {}, ways: [], state: 'idle' }));
    else {
      const types: Record<string, string> = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
      const file = path === '/' ? 'index.html' : path.slice(1);
      response.setHeader('content-type', types[file.split('.').at(-1) ?? ''] ?? 'text/html');
      response.end(await readFile(join(PAGE, file)));
    }
  }

  function send(seconds: number): void {
    for (let left = seconds; left > 0; left -= 1) {
      second += 1;
      stream?.write(`event: pipeline\ndata: ${JSON.stringify(pipelineAt(second))}\n\n`);
    }
  }

  /** Sends the events of `seconds` seconds in groups of 50, and waits until the page shows the last of each. */
  async function pass(seconds: number, page: ConsolePage): Promise<void> {
    for (let sent = 0; sent < seconds; sent += 50) {
      send(50);
      const shown = (second * 10).toLocaleString('en');
      await eventually(`second ${second} is shown`, 10_000, async () => (await page.tile('Lag')) === `${shown}records`);
    }
  }

  it('uses no more memory after an hour of events than once its chart is full', async () => {
    const page = await ConsolePage.open(
      await browser.newContext(),
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    );
    await page.isLive();
    await pass(FILLED, page);
    const filled = await page.liveBytes();
    await pass(HOUR, page);
    const afterAnHour = await page.liveBytes();
    expect(afterAnHour / filled).toBeLessThan(1.1);
  }, 120_000);
});
