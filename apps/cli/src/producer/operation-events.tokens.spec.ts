import { afterEach, describe, expect, it } from '@jest/globals';
import { cutAfter, event, streamOf } from '../testing/event-stream.js';
import { guardedBy } from '../testing/guarded-producer.js';
import { ImmediateClock } from '../testing/immediate-clock.js';
import { CLIENT, LocalIssuer } from '../testing/local-issuer.js';
import { answerJson, LocalProducer, type Answerer } from '../testing/local-producer.js';
import { OPERATION, SUCCEEDED } from '../testing/operation-example.js';
import { followOperation, type Followed } from './operation-events.js';
import { ProducerClient } from './producer-client.js';

/** Which of the two codes occurs depends on the state of the socket. */
const CUT: unknown = expect.stringMatching(/^(UND_ERR_SOCKET|ECONNRESET)$/);

/** Answers two tokens with one event and a broken connection each, and the third one with the last event. */
function expiring(issuer: LocalIssuer): Answerer {
  return guardedBy(issuer, (_, response, at) => {
    issuer.expireTokens();
    if (at === 2) streamOf(response).end(event('done', 'c', SUCCEEDED));
    else cutAfter(response, event('progress', String(at), OPERATION));
  });
}

describe('following an operation with a token that expires', () => {
  let producer: LocalProducer | undefined;
  let issuer: LocalIssuer | undefined;

  afterEach(async () => {
    await Promise.all([producer?.stop(), issuer?.stop()]);
  });

  async function* followed(answer: Answerer, signal = new AbortController().signal): AsyncGenerator<Followed> {
    producer = await LocalProducer.start(answer);
    const timing = { clock: new ImmediateClock(), random: () => 1 };
    const client = new ProducerClient(producer.url, timing, { client: CLIENT });
    yield* followOperation(client, OPERATION.id, signal);
  }

  /** Returns the steps in short form: the acknowledged orders, or why the stream broke. */
  async function stepsOf(answer: Answerer): Promise<string[]> {
    const short: string[] = [];
    for await (const step of followed(answer))
      short.push(step.kind === 'cut' ? step.reason : String(step.operation.acked));
    return short;
  }

  it('resumes after the last event with another token', async () => {
    issuer = await LocalIssuer.start();
    expect(await stepsOf(expiring(issuer))).toEqual(['600', CUT, '600', CUT, '1000']);
    expect(issuer.tokenRequests).toHaveLength(3);
    const streams = producer?.arrivals.filter(({ path }) => path.endsWith('/events')) ?? [];
    expect(streams.map(({ headers }) => [headers.authorization, headers['last-event-id']])).toEqual([
      [undefined, undefined],
      ['Bearer token-1', undefined],
      ['Bearer token-1', '0'],
      ['Bearer token-2', '0'],
      ['Bearer token-2', '1'],
      ['Bearer token-3', '1'],
    ]);
  });

  it('also gets another token to read the final operation', async () => {
    const answer: Answerer = (request, response, at) => {
      issuer?.expireTokens();
      if (at === 0) cutAfter(response, event('progress', 'a', OPERATION));
      else if (request.url?.endsWith('/events') === true) response.writeHead(204).end();
      else answerJson(response, 200, SUCCEEDED);
    };
    issuer = await LocalIssuer.start();
    expect(await stepsOf(guardedBy(issuer, answer))).toEqual(['600', CUT, '1000']);
    expect(issuer.tokenRequests).toHaveLength(3);
  });

  it('waits for an issuer that is temporarily unavailable', async () => {
    const granting = await LocalIssuer.start({
      '/issuer/token': (_, response) => {
        if (granting.tokenRequests.length === 2) answerJson(response, 503, {});
        else answerJson(response, 200, granting.grant());
      },
    });
    issuer = granting;
    const unavailable = `The token issuer at ${granting.tokenUrl} responds with 503.`;
    expect(await stepsOf(expiring(granting))).toEqual(['600', CUT, unavailable, '600', CUT, '1000']);
  });

  it('ends when it is aborted, also while the issuer does not answer', async () => {
    const stop = new AbortController();
    issuer = await LocalIssuer.start({ '/issuer/token': () => stop.abort() });
    for await (const step of followed(
      guardedBy(issuer, () => undefined),
      stop.signal,
    ))
      expect(step).toBeUndefined();
    expect(issuer.tokenRequests).toHaveLength(1);
  });
});
