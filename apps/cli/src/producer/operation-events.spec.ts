import { afterEach, describe, expect, it } from '@jest/globals';
import { cutAfter, event, streamOf } from '../testing/event-stream.js';
import { ImmediateClock } from '../testing/immediate-clock.js';
import { answerJson, answerProblem, LocalProducer, type Answerer } from '../testing/local-producer.js';
import { OPERATION, SUCCEEDED } from '../testing/operation-example.js';
import { followOperation, type Followed } from './operation-events.js';
import { ProducerClient } from './producer-client.js';

/** Answers the first request with one event and a broken connection, and later ones as given. */
function cutThen(later: Answerer): Answerer {
  return (request, response, at) =>
    at === 0 ? cutAfter(response, event('progress', 'a', OPERATION)) : later(request, response, at);
}

describe('following an operation', () => {
  let producer: LocalProducer | undefined;
  const clock = new ImmediateClock();

  afterEach(async () => producer?.stop());

  async function* followed(answer: Answerer, signal = new AbortController().signal): AsyncGenerator<Followed> {
    producer = await LocalProducer.start(answer);
    const client = new ProducerClient(producer.url, { clock, random: () => 1 });
    yield* followOperation(client, OPERATION.id, signal);
  }

  /** Returns the steps in short form: the acknowledged orders, with `!` at the end, or `cut`. */
  async function stepsOf(answer: Answerer): Promise<string[]> {
    const short: string[] = [];
    for await (const step of followed(answer))
      short.push(step.kind === 'cut' ? 'cut' : `${step.operation.acked}${step.isDone ? '!' : ''}`);
    return short;
  }

  it('yields each event until the last one, regardless of how the stream is split into chunks', async () => {
    const text = `: still here\n\n${event('progress', 'a', OPERATION)}${event('done', 'b', SUCCEEDED)}`;
    const answer: Answerer = async (_, response) => {
      streamOf(response);
      for (const piece of text.match(/[^]{1,50}/g) ?? [])
        await new Promise<void>((resolve) => void response.write(piece, () => resolve()));
    };
    expect(await stepsOf(answer)).toEqual(['600', '1000!']);
    expect(producer?.arrivals.map(({ path }) => path)).toEqual([`/v1/operations/${OPERATION.id}/events`]);
  });

  it('resumes after the last event when the stream ends or breaks within an event', async () => {
    const half = event('progress', 'lost', OPERATION).slice(0, 60);
    const answer: Answerer = (_, response, at) => {
      if (at === 0) cutAfter(response, event('progress', 'a', { ...OPERATION, acked: 1 }) + half);
      else if (at === 1) streamOf(response).end(event('progress', 'b', { ...OPERATION, acked: 2 }));
      else streamOf(response).end(event('done', 'c', SUCCEEDED));
    };
    expect(await stepsOf(answer)).toEqual(['1', 'cut', '2', 'cut', '1000!']);
    expect(producer?.arrivals.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'a', 'b']);
  });

  it('reads the operation if the producer has no more events', async () => {
    const answer = cutThen((request, response) => {
      if (request.url?.endsWith('/events') === true) response.writeHead(204).end();
      else answerJson(response, 200, SUCCEEDED);
    });
    expect(await stepsOf(answer)).toEqual(['600', 'cut', '1000!']);
  });

  it('backs off between failures, also while the database of the producer is unavailable', async () => {
    const before = clock.waits.length;
    const answer = cutThen((_, response, at) => {
      if (at < 4) answerProblem(response, 503, 'database-away');
      else streamOf(response).end(event('done', 'b', SUCCEEDED));
    });
    expect(await stepsOf(answer)).toEqual(['600', 'cut', 'cut', 'cut', 'cut', '1000!']);
    expect(clock.waits.slice(before)).toEqual([250, 500, 1_000, 2_000]);
  });

  it('fails at once if the operation does not exist', async () => {
    await expect(stepsOf((_, response) => answerProblem(response, 404, 'not-found'))).rejects.toMatchObject({
      code: 'not-found',
      exitCode: 1,
    });
    expect(producer?.arrivals).toHaveLength(1);
  });

  it('fails after four tries if the producer never answered, and after 5 min if it had', async () => {
    await expect(stepsOf((request) => void request.socket.destroy())).rejects.toMatchObject({
      code: 'connection-broken',
    });
    expect(producer?.arrivals).toHaveLength(4);
    await producer?.stop();
    const before = clock.now();
    const answer = cutThen((request) => void request.socket.destroy());
    await expect(stepsOf(answer)).rejects.toMatchObject({ code: 'connection-broken' });
    expect(clock.now() - before).toBeGreaterThan(5 * 60_000);
    expect(clock.now() - before).toBeLessThan(6 * 60_000);
  });

  it('ends when it is aborted while the stream is idle', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const steps = followed(
      (_, response) => void streamOf(response).write(event('progress', 'a', OPERATION)),
      stop.signal,
    );
    for await (const { kind } of steps) {
      seen.push(kind);
      stop.abort();
    }
    expect(seen).toEqual(['operation']);
  });

  it('rejects events of another form', async () => {
    await expect(
      stepsOf((_, response) => void streamOf(response).end('event: done\ndata: {}\n\n')),
    ).rejects.toMatchObject({
      code: 'unexpected-answer',
    });
  });
});
