import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FigureHistory } from '../../src/pipeline/figure-history.js';
import { aPipeline } from '../../src/pipeline/testing/a-pipeline.js';
import { localServer } from '../../src/testing/local-server.js';
import { Client, type Session } from '../client.js';
import { LivePipeline } from './live-pipeline.js';

const START = 1_700_000_100;

describe('the live pipeline', () => {
  let live: LivePipeline;
  let streams: ServerResponse[];
  /** The console that the server imitates has recorded this; `null`: it does not answer. */
  let recorded: FigureHistory | null;
  let onStream: () => void;
  /** Statuses with which the next streams are refused. */
  let refusals: number[];
  /** Why the session was ended. */
  let reasons: unknown[];

  const server = localServer((request, response) => {
    const refusal = request.url === '/v1/pipeline/events' ? refusals.shift() : undefined;
    if (refusal !== undefined) response.writeHead(refusal).end();
    else if (request.url === '/v1/pipeline/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      streams.push(response);
      onStream();
    } else if (recorded === null) response.writeHead(503).end();
    else response.end(JSON.stringify({ series: recorded.recorded() }));
  });

  beforeEach(() => {
    streams = [];
    refusals = [];
    reasons = [];
    recorded = new FigureHistory();
    onStream = () => undefined;
    const { url } = server;
    const session = { token: 'mine', signOut: (reason: unknown) => void reasons.push(reason) } as unknown as Session;
    /** Requests paths at the server of the spec. */
    class LocalClient extends Client {
      override async request(path: string, init?: RequestInit): Promise<Response> {
        return super.request(`${url}${path}`, init);
      }
    }
    live = new LivePipeline(new LocalClient(session), () => START + 40);
  });

  afterEach(() => live.stop());

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => live.addEventListener('change', resolve, { once: true }));
  }

  async function connected(count: number): Promise<void> {
    while (streams.length < count) await new Promise<void>((resolve) => void (onStream = resolve));
  }

  /** Records seconds. */
  function record(...seconds: number[]): void {
    for (const second of seconds)
      recorded?.add(START + second, { produced: 0, saved: second, inFlight: 0, lag: 0, consumers: 1 });
  }

  /** Records a second, and sends it to the page when it is connected. */
  function pass(second: number): void {
    record(second);
    const state = aPipeline({ at: new Date(1_000 * (START + second)).toISOString(), savedPerSecond: second });
    streams.at(-1)?.write(`event: pipeline\ndata: ${JSON.stringify(state)}\n\n`);
  }

  /** Starts the page, and sends it a first second. */
  async function start(): Promise<void> {
    live.start();
    await connected(1);
    pass(0);
    await until(() => live.latest !== null);
  }

  const saved = (): (number | null)[] => live.history.points(START).values.saved;

  it('is connecting, without an error, until the first event', async () => {
    const started = start();
    expect(live.state).toBe('connecting');
    await started;
    expect(live.state).toBe('live');
  });

  it('connects again after a refusal, and ends the session when the token lacks the scope', async () => {
    refusals = [503, 403];
    live.start();
    await until(() => live.state === 'reconnecting');
    await connected(1);
    pass(0);
    await until(() => live.state === 'live');
    expect(reasons).toEqual(['The service answered 403.']);
  });

  it('has what the console recorded before, and continues it', async () => {
    record(0, 1, 2, 3, 4);
    live.start();
    await until(() => live.hasRecorded);
    await connected(1);
    pass(5);
    await until(() => live.latest !== null);
    expect(saved()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(live.now).toBe(START + 5);
  });

  it('has no gap after a stream was cut in the middle of an event', async () => {
    await start();
    streams[0]?.write('event: pipeline\ndata: {"at":');
    streams[0]?.destroy();
    await until(() => live.state === 'reconnecting');
    expect(live.latest).toBeNull();
    record(1, 2, 3);
    await connected(2);
    pass(4);
    await until(() => saved()[1] === 1);
    expect(saved()).toEqual([0, 1, 2, 3, 4]);
  });

  it('has no stream while its page is hidden, and no gap when it is visible again', async () => {
    await start();
    const closed = once(streams[0] as ServerResponse, 'close');
    live.setVisible(false);
    await closed;
    expect(live.state).toBe('live');
    record(1, 2);
    live.setVisible(true);
    await connected(2);
    pass(3);
    await until(() => saved().length === 4 && saved()[1] === 1);
    expect(saved()).toEqual([0, 1, 2, 3]);
  });

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
    await start();
    expect([saved(), live.hasRecorded]).toEqual([[0], false]);
  });
});
