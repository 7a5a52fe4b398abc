import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FigureHistory } from '../../src/history/figure-history.js';
import { Client } from '../api/client.js';
import type { Session } from '../api/session.js';
import { LivePipeline } from './live-pipeline.js';

const START = 1_700_000_100;

/** Requests paths at a server of the spec. */
class LocalClient extends Client {
  constructor(private readonly base: string) {
    super({ token: null, signOut: () => undefined } as unknown as Session);
  }

  override async request(path: string, init?: RequestInit): Promise<Response> {
    return super.request(`${this.base}${path}`, init);
  }
}

describe('the live pipeline', () => {
  let server: Server;
  let live: LivePipeline;
  let streams: ServerResponse[];
  /** The console that the server imitates has recorded this; `null`: it does not answer. */
  let recorded: FigureHistory | null;

  beforeEach(async () => {
    streams = [];
    recorded = new FigureHistory();
    server = createServer((request, response) => {
      if (request.url === '/v1/pipeline/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        streams.push(response);
      } else if (recorded === null) response.writeHead(503).end();
      else response.end(JSON.stringify({ series: recorded.recorded() }));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const client = new LocalClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    live = new LivePipeline(client, () => START + 40);
  });

  afterEach(() => {
    live.stop();
    server.closeAllConnections();
    server.close();
  });

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => live.addEventListener('change', resolve, { once: true }));
  }

  const connected = async (count: number): Promise<void> => {
    while (streams.length < count) await new Promise((resolve) => void server.once('request', resolve));
  };

  /** Records a second, and sends it to the page when it is connected. */
  function pass(second: number): void {
    recorded?.add(START + second, { produced: 0, saved: second, inFlight: 0, lag: 0, consumers: 1 });
    const at = new Date(1_000 * (START + second)).toISOString();
    const figures = { at, producedPerSecond: 0, savedPerSecond: second, inFlight: 0, lagRecords: 0, changes: [] };
    streams.at(-1)?.write(`event: pipeline\ndata: ${JSON.stringify({ ...figures, consumers: [] })}\n\n`);
  }

  const saved = (): (number | null)[] => live.history.points(START).values.saved;

  it('is connecting, without an error, until the first event', async () => {
    live.start();
    expect(live.state).toBe('connecting');
    await connected(1);
    pass(0);
    await until(() => live.latest !== null);
    expect(live.state).toBe('live');
  });

  it('has what the console recorded before, and continues it', async () => {
    for (let second = 0; second < 5; second += 1) pass(second);
    live.start();
    await until(() => live.hasRecorded);
    await connected(1);
    pass(5);
    await until(() => live.latest !== null);
    expect(saved()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(live.now).toBe(START + 5);
  });

  it('has no gap after a stream was cut in the middle of an event', async () => {
    live.start();
    await connected(1);
    pass(0);
    await until(() => live.latest !== null);
    streams[0]?.write('event: pipeline\ndata: {"at":');
    streams[0]?.destroy();
    await until(() => live.state === 'reconnecting');
    expect(live.latest).toBeNull();
    for (const second of [1, 2, 3])
      recorded?.add(START + second, { produced: 0, saved: second, inFlight: 0, lag: 0, consumers: 1 });
    await connected(2);
    pass(4);
    await until(() => saved()[1] === 1);
    expect(saved()).toEqual([0, 1, 2, 3, 4]);
  }, 10_000);

  it('has no stream while its page is hidden, and no gap when it is visible again', async () => {
    live.start();
    await connected(1);
    pass(0);
    await until(() => live.latest !== null);
    const closed = once(streams[0] as ServerResponse, 'close');
    live.setVisible(false);
    await closed;
    expect(live.state).toBe('live');
    for (const second of [1, 2])
      recorded?.add(START + second, { produced: 0, saved: second, inFlight: 0, lag: 0, consumers: 1 });
    live.setVisible(true);
    await connected(2);
    pass(3);
    await until(() => saved().length === 4 && saved()[1] === 1);
    expect(saved()).toEqual([0, 1, 2, 3]);
  }, 10_000);

  it('opens no stream for a page that was opened in the background, until it is visible', async () => {
    live.setVisible(false);
    live.start();
    expect(live.state).toBe('connecting');
    live.setVisible(true);
    await connected(1);
    expect(streams).toHaveLength(1);
  });

  it('keeps what it has seen itself when the history can not be loaded', async () => {
    recorded = null;
    live.start();
    await connected(1);
    pass(0);
    await until(() => live.latest !== null);
    expect([saved(), live.hasRecorded]).toEqual([[0], false]);
  });
});
