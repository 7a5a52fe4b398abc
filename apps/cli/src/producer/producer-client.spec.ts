import { afterEach, describe, expect, it } from '@jest/globals';
import { CliError } from '../cli-error.js';
import { ImmediateClock } from '../testing/immediate-clock.js';
import { answerJson, answerProblem, bodyOf, LocalProducer, type Answerer } from '../testing/local-producer.js';
import { ProducerClient, type ProducerRequest } from './producer-client.js';

const POPULATE: ProducerRequest = {
  method: 'POST',
  path: '/v1/populate',
  headers: { 'content-type': 'application/json', 'idempotency-key': 'one' },
  body: () => '{"count":5}',
  unknownOutcome: 'Repeat it with --key one.',
};

async function failureOf(request: Promise<unknown>): Promise<CliError> {
  const error = await request.catch((thrown: unknown) => thrown);
  if (!(error instanceof CliError)) throw new Error(`It did not fail as it should: ${String(error)}`);
  return error;
}

describe('the producer client', () => {
  let producer: LocalProducer | undefined;

  afterEach(async () => producer?.stop());

  async function clientOf(answer: Answerer): Promise<{ client: ProducerClient; clock: ImmediateClock }> {
    producer = await LocalProducer.start(answer);
    const clock = new ImmediateClock();
    return { client: new ProducerClient(producer.url, { clock, random: () => 1 }), clock };
  }

  it('retries a request after a broken connection, with the same body and key, and a growing back-off', async () => {
    const bodies: string[] = [];
    const { client, clock } = await clientOf(async (request, response, at) => {
      bodies.push((await bodyOf(request)).toString());
      if (at < 3) request.socket.destroy();
      else answerJson(response, 202, { id: 'x' });
    });
    expect(await client.request(POPULATE)).toEqual({ id: 'x' });
    expect(bodies).toEqual(Array.from({ length: 4 }, () => '{"count":5}'));
    expect(new Set(producer?.arrivals.map(({ headers }) => headers['idempotency-key']))).toEqual(new Set(['one']));
    expect(clock.waits).toEqual([200, 400, 800]);
  });

  it('retries a request whose response was incomplete', async () => {
    const { client } = await clientOf((request, response, at) => {
      if (at > 0) return answerJson(response, 200, { id: 'x' });
      response.writeHead(200, { 'content-length': '100' }).write('{"id":', () => request.socket.destroy());
    });
    expect(await client.request({ method: 'GET', path: '/v1/operations/x' })).toEqual({ id: 'x' });
  });

  it('fails after four tries, and explains how to repeat a request that may have been executed', async () => {
    const { client } = await clientOf((request) => void request.socket.destroy());
    const error = await failureOf(client.request(POPULATE));
    expect(error).toMatchObject({ code: 'connection-broken', exitCode: 1, remedy: 'Repeat it with --key one.' });
    expect(producer?.arrivals).toHaveLength(4);
  });

  it('reports that no producer answers, with the address and a remedy', async () => {
    const { client } = await clientOf(() => undefined);
    await producer?.stop();
    const error = await failureOf(client.request(POPULATE));
    expect(error).toMatchObject({ code: 'no-producer', exitCode: 1 });
    expect(error.message).toBe(
      `No producer answers at ${client.url} (ECONNREFUSED): start one with \`npm start\`, or set another with --url.`,
    );
  });

  it('reports problem details with one line per invalid field, and does not retry', async () => {
    const errors = [
      { field: 'count', in: 'body', pointer: '/count', detail: 'must be 1 or more' },
      { pointer: '/faults/poison', detail: 'must be from 0 to 1' },
    ];
    const { client } = await clientOf((_, response) => answerProblem(response, 400, 'invalid-request', { errors }));
    const error = await failureOf(client.request(POPULATE));
    expect(error).toMatchObject({ code: 'invalid-request', exitCode: 2 });
    expect(error.message.split('\n')).toEqual([
      'Several values are invalid. (invalid-request)',
      '  count must be 1 or more',
      '  /faults/poison must be from 0 to 1',
    ]);
    expect(producer?.arrivals).toHaveLength(1);
  });

  it('distinguishes a valid request that was rejected from an invalid one', async () => {
    const { client } = await clientOf((_, response) => answerProblem(response, 409, 'operation-ended'));
    expect(await failureOf(client.request(POPULATE))).toMatchObject({ code: 'operation-ended', exitCode: 1 });
  });

  it.each<[string, Answerer, string]>([
    ['another error', (_, response) => void response.writeHead(404).end('<html>'), 'responded with 404.'],
    ...['<html>', '', '[]', 'null', '"text"'].map((body): [string, Answerer, string] => [
      `${body} instead of an object`,
      (_, response) => void response.end(body),
      'returned an unexpected response. Its body is not a JSON object.',
    ]),
  ])('reports a server that is not a producer: it responds with %s', async (_, answer, problem) => {
    const { client } = await clientOf(answer);
    expect(await failureOf(client.request(POPULATE))).toMatchObject({
      code: 'unexpected-answer',
      exitCode: 1,
      message: `POST ${client.url}/v1/populate ${problem}`,
    });
  });
});
