import { describe, expect, it } from '@jest/globals';
import type { Credentials } from './access-token.js';
import {
  CLIENT,
  guardedBy,
  TOKEN_PATH,
  type LocalIssuer,
  breaks,
  inTurn,
  json,
  problem,
  type Answerer,
  cutAfter,
  event,
  events,
  OPERATION,
  SUCCEEDED,
  useServers,
} from '../testing/local-servers.js';
import { followOperation } from './operation-events.js';

const PROGRESS = event('progress', OPERATION);
const DONE = event('done', SUCCEEDED);
const noMoreEvents: Answerer = (_, response) => response.writeHead(204).end();

/** Lets each token of the issuer expire after one answer. */
function expiring(issuer: LocalIssuer, ...answers: readonly Answerer[]): Answerer {
  return guardedBy(issuer, (...exchange) => {
    issuer.expireTokens();
    return inTurn(...answers)(...exchange);
  });
}

describe('following an operation', () => {
  const { connect, startIssuer } = useServers();

  /** Follows an operation of a producer that answers so. */
  async function following(answer: Answerer, credentials?: Credentials) {
    const { client, producer, clock } = await connect(answer, credentials);
    const stop = new AbortController();
    const steps = followOperation(client, OPERATION.id, stop.signal);
    return { steps, stop, producer, clock };
  }

  type Following = Awaited<ReturnType<typeof following>>;

  /** Returns the steps in short form: the acknowledged orders, with `!` at the end, or `cut`. @param reasons receives the reasons of cuts */
  async function stepsOf({ steps }: Following, reasons: string[] = []): Promise<string[]> {
    const short: string[] = [];
    for await (const step of steps) {
      if (step.kind === 'cut') reasons.push(step.reason);
      short.push(step.kind === 'cut' ? 'cut' : `${step.operation.acked}${step.isDone ? '!' : ''}`);
    }
    return short;
  }

  it('yields each event until the last one, regardless of how the stream is split into chunks', async () => {
    const text = `: still here\n\n${PROGRESS}${DONE}`;
    const followed = await following(async (_, response) => {
      for (const piece of text.match(/[^]{1,50}/g) ?? [])
        await new Promise<void>((resolve) => void response.write(piece, () => resolve()));
    });
    expect(await stepsOf(followed)).toEqual(['600', '1000!']);
    expect(followed.producer.requests).toEqual([`GET /v1/operations/${OPERATION.id}/events`]);
  });

  it('resumes after the last event when the stream ends or breaks within an event', async () => {
    const first = event('progress', { ...OPERATION, acked: 1 }, 'a');
    const second = event('progress', { ...OPERATION, acked: 2 }, 'b');
    const half = event('progress', OPERATION, 'lost').slice(0, 60);
    const followed = await following(inTurn(cutAfter(first, half), events(second), events(DONE)));
    expect(await stepsOf(followed)).toEqual(['1', 'cut', '2', 'cut', '1000!']);
    expect(followed.producer.headers('last-event-id')).toEqual([undefined, 'a', 'b']);
  });

  it('reads the operation if the producer has no more events', async () => {
    const followed = await following(inTurn(cutAfter(PROGRESS), noMoreEvents, json(SUCCEEDED)));
    expect(await stepsOf(followed)).toEqual(['600', 'cut', '1000!']);
    expect(followed.producer.requests.at(-1)).toBe(`GET /v1/operations/${OPERATION.id}`);
  });

  it('reads the operation again if the database of the producer was unavailable', async () => {
    const away = problem(503, 'database-away');
    const followed = await following(inTurn(cutAfter(PROGRESS), noMoreEvents, away, noMoreEvents, json(SUCCEEDED)));
    expect(await stepsOf(followed)).toEqual(['600', 'cut', 'cut', '1000!']);
  });

  it('backs off between failures, also while the database of the producer is unavailable', async () => {
    const away = problem(503, 'database-away');
    const followed = await following(inTurn(cutAfter(PROGRESS), away, away, away, events(DONE)));
    expect(await stepsOf(followed)).toEqual(['600', 'cut', 'cut', 'cut', 'cut', '1000!']);
    expect(followed.clock.waits).toEqual([250, 500, 1_000, 2_000]);
  });

  it.each<[string, Answerer, number, string]>([
    ['at once if the operation does not exist', problem(404, 'not-found'), 1, 'not-found'],
    ['at once for an event of another form', events('event: done\ndata: {}\n\n'), 1, 'unexpected-answer'],
    ['after four tries if the producer never answered', breaks, 4, 'connection-broken'],
  ])('fails %s', async (_, answer, requests, code) => {
    const followed = await following(answer);
    await expect(stepsOf(followed)).rejects.toMatchObject({ code, exitCode: 1 });
    expect(followed.producer.requests).toHaveLength(requests);
  });

  it('fails after 5 min if the producer has answered before', async () => {
    const followed = await following(inTurn(cutAfter(PROGRESS), breaks));
    await expect(stepsOf(followed)).rejects.toMatchObject({ code: 'connection-broken' });
    expect(followed.clock.now()).toBeGreaterThan(5 * 60_000);
    expect(followed.clock.now()).toBeLessThan(6 * 60_000);
  });

  it('ends when it is aborted while the stream is idle', async () => {
    const { steps, stop } = await following((_, response) => response.write(PROGRESS));
    const seen: string[] = [];
    for await (const { kind } of steps) {
      seen.push(kind);
      stop.abort();
    }
    expect(seen).toEqual(['operation']);
  });

  describe('with a token that expires', () => {
    const twice = [0, 1].map((id) => cutAfter(event('progress', OPERATION, String(id))));

    it('waits for an issuer that is temporarily unavailable', async () => {
      const issuer = await startIssuer({
        [TOKEN_PATH]: (...exchange) =>
          (issuer.tokenRequests.length === 2 ? json({}, 503) : json(issuer.grant()))(...exchange),
      });
      const followed = await following(expiring(issuer, ...twice, events(DONE)), { client: CLIENT });
      const reasons: string[] = [];
      expect(await stepsOf(followed, reasons)).toEqual(['600', 'cut', 'cut', '600', 'cut', '1000!']);
      // Which of the two codes occurs depends on the state of the socket.
      const broken: unknown = expect.stringMatching(/^(UND_ERR_SOCKET|ECONNRESET)$/);
      expect(reasons).toEqual([broken, `The token issuer at ${issuer.tokenUrl} responds with 503.`, broken]);
    });

    it('ends when it is aborted, also while the issuer does not answer', async () => {
      const issuer = await startIssuer({ [TOKEN_PATH]: () => followed.stop.abort() });
      const followed = await following(
        guardedBy(issuer, () => undefined),
        { client: CLIENT },
      );
      expect(await stepsOf(followed)).toEqual([]);
      expect(issuer.tokenRequests).toHaveLength(1);
    });
  });
});
